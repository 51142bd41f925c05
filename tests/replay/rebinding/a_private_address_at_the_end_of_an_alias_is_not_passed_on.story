set rebinding = on
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 CNAME b.example.test.
  answer b.example.test. 300 A 127.0.0.1
told c1 REFUSED ede=15
