set ipv6 = off
ask c1 a.example.test. A
send 192.0.2.1 udp a.example.test. A
reply
  authority example.test. 3600 NS ns1.example.test.
  additional ns1.example.test. 3600 AAAA 2001:db8::3
told c1 SERVFAIL ede=22
  text no name server of example.test. has an address
