ask c1 www.a.test. A
send 192.0.2.1 udp www.a.test. A
reply
  authority a.test. 3600 NS ns.b.test.
send 192.0.2.1 udp ns.b.test. A
reply
  authority b.test. 3600 NS ns.a.test.
told c1 SERVFAIL ede=22
  text no name server of a.test. has an address
