ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
ask c2 a.example.test. MX
send 192.0.2.3 udp a.example.test. MX
reply aa
  answer a.example.test. 300 MX 10 a.example.test.
  additional a.example.test. 86400 A 203.0.113.66
told c2 NOERROR
  answer a.example.test. 300 MX 10 a.example.test.
ask c3 a.example.test. A
told c3 NOERROR
  answer a.example.test. 300 A 198.51.100.1
