# §10.3.
ask c1 www.example.test. A
send 192.0.2.1 udp www.example.test. A
reply
  authority example.test. 3600 NS ns.host.org.
send 192.0.2.1 udp ns.host.org. A
reply aa
  answer ns.host.org. 300 CNAME www.victim.test.
  answer www.victim.test. 300 A 192.0.2.9
told c1 SERVFAIL ede=22
  text no name server of example.test. has an address
