ask c1 nothing.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp nothing.example.test. A
reply NXDOMAIN aa
  authority example.test. 300 SOA a. b. 1 2 3 4 300
told c1 NXDOMAIN
  authority example.test. 300 SOA a. b. 1 2 3 4 300
ask c2 a.nothing.example.test. A
send 192.0.2.3 udp a.nothing.example.test. A
leave c2
