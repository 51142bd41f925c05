ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply
  authority victim.test. 3600 NS ns1.victim.test.
  additional ns1.victim.test. 3600 A 203.0.113.66
told c1 SERVFAIL ede=23
  text no name server of example.test. helped: 192.0.2.3 referred elsewhere
ask c2 www.victim.test. A
send 192.0.2.1 udp www.victim.test. A
leave c2
