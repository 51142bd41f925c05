ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa cut=2
  answer a.example.test. 300 A 198.51.100.1
  additional b.example.test. 300 A 198.51.100.2
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
