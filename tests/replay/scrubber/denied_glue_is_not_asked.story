deny 127.0.0.0/8
deny 0.0.0.0/8
deny ::1/128
ask c1 www.example.test. A
send 192.0.2.1 udp www.example.test. A
reply
  authority example.test. 3600 NS ns1.example.test.
  additional ns1.example.test. 3600 A 127.0.0.1
  additional ns1.example.test. 3600 A 0.0.0.0
  additional ns1.example.test. 3600 AAAA ::1
  additional ns1.example.test. 3600 AAAA ::ffff:127.0.0.1
told c1 SERVFAIL ede=22
  text no name server of example.test. has an address
