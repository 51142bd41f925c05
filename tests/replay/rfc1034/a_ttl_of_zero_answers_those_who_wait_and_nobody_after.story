# RFC 1035 §3.2.1.
ask c1 www.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.example.test. A
ask c2 www.example.test. A
reply aa
  answer www.example.test. 0 A 198.51.100.1
told c1 NOERROR
  answer www.example.test. 0 A 198.51.100.1
told c2 NOERROR
  answer www.example.test. 0 A 198.51.100.1
ask c3 www.example.test. A
send 192.0.2.3 udp www.example.test. A
leave c3
