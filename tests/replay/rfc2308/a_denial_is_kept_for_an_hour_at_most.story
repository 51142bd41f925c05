# §5: one to three hours.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply NXDOMAIN aa
  authority example.test. 86400 SOA a. b. 1 2 3 4 86400
told c1 NXDOMAIN
  authority example.test. 3600 SOA a. b. 1 2 3 4 86400
