ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 CH A hex:cb007142
  answer a.example.test. 300 A 198.51.100.1
  answer a.example.test. 300 NONE A 203.0.113.66
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
