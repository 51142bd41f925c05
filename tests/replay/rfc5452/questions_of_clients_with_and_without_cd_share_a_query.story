ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
ask c2 a.example.test. A cd
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
told c2 NOERROR
  answer a.example.test. 300 A 198.51.100.1
