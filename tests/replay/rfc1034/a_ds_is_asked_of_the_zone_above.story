# RFC 4035 §3.1.4.1.
ask c1 www.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.example.test. A
reply aa
  answer www.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer www.example.test. 300 A 198.51.100.1
ask c2 example.test. DS
send 192.0.2.1 udp example.test. DS
reply aa
  authority . 3600 SOA a. b. 1 2 3 4 300
told c2 NOERROR
  authority . 300 SOA a. b. 1 2 3 4 300
