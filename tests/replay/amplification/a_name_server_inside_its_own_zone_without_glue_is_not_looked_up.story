ask c1 www.example.test. A
send 192.0.2.1 udp www.example.test. A
reply
  authority example.test. 3600 NS ns1.example.test.
told c1 SERVFAIL ede=22
  text no name server of example.test. has an address
