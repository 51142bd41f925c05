ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply NXDOMAIN
  authority example.test. 300 SOA a. b. 1 2 3 4 300
told c1 SERVFAIL ede=23
  text no name server of example.test. helped: 192.0.2.3 is not authoritative
