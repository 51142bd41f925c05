ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply NXDOMAIN aa
  answer a.example.test. 300 CNAME www.victim.test.
  authority . 86400 SOA a. b. 1 2 3 4 86400
send 192.0.2.1 udp www.victim.test. A
leave c1
ask c2 www.victim.test. A
# Nor while it is asked for.
reply aa
  answer www.victim.test. 300 A 198.51.100.9
told c2 NOERROR
  answer www.victim.test. 300 A 198.51.100.9
