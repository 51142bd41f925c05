ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa question=b.example.test./A
  answer b.example.test. 300 A 203.0.113.66
send 192.0.2.3 tcp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
ask c2 b.example.test. A
send 192.0.2.3 udp b.example.test. A
reply aa question=b.example.test./AAAA
  answer b.example.test. 300 A 203.0.113.66
send 192.0.2.3 tcp b.example.test. A
leave c2
