forward example.test. 192.0.2.50 fallback
ask c1 a.example.test. A
send 192.0.2.50 udp a.example.test. A rd
reply SERVFAIL
send 192.0.2.1 udp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
