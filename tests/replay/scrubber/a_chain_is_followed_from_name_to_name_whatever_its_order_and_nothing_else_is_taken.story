ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer x.example.test. 300 CNAME y.example.test.
  answer c.example.test. 300 A 198.51.100.1
  answer b.example.test. 300 CNAME c.example.test.
  answer a.example.test. 300 CNAME b.example.test.
told c1 NOERROR
  answer a.example.test. 300 CNAME b.example.test.
  answer b.example.test. 300 CNAME c.example.test.
  answer c.example.test. 300 A 198.51.100.1
ask c2 x.example.test. A
send 192.0.2.3 udp x.example.test. A
leave c2
