ask c1 ns1.sub.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp ns1.sub.example.test. A
reply aa
  answer ns1.sub.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer ns1.sub.example.test. 300 A 198.51.100.1
ask c2 a.sub.example.test. A
send 192.0.2.3 udp a.sub.example.test. A
reply
  authority sub.example.test. 3600 NS ns1.sub.example.test.
  additional ns1.sub.example.test. 3600 A 192.0.2.4
send 192.0.2.4 udp a.sub.example.test. A
leave c2
ask c3 ns1.sub.example.test. A
told c3 NOERROR
  answer ns1.sub.example.test. 300 A 198.51.100.1
