ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
wait 300ms
reply aa
  answer a.example.test. 300 CNAME b.example.test.
  answer b.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 CNAME b.example.test.
  answer b.example.test. 300 A 198.51.100.1
wait 300s
ask c2 a.example.test. A
send 192.0.2.3 udp a.example.test. A
wait 800ms
reply aa
  answer a.example.test. 300 CNAME b.example.test.
send 192.0.2.3 udp b.example.test. A
wait 1000ms
told c2 NOERROR ede=3
  answer a.example.test. 299 CNAME b.example.test.
  answer b.example.test. 30 A 198.51.100.1
reply aa
  answer b.example.test. 300 A 198.51.100.1
