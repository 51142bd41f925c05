# §2.3, RFC 8552.
set minimise = relaxed
ask c1 _443._tcp.www.example.test. TLSA
refer 192.0.2.1 test. 192.0.2.2
refer 192.0.2.2 example.test. 192.0.2.3
send 192.0.2.3 udp www.example.test. A
reply aa
  answer www.example.test. 300 A 198.51.100.1
send 192.0.2.3 udp _443._tcp.www.example.test. TLSA
leave c1
