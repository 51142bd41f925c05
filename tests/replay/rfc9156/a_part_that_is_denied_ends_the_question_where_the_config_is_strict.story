set minimise = strict
ask c1 a.b.example.test. TXT
refer 192.0.2.1 test. 192.0.2.2
refer 192.0.2.2 example.test. 192.0.2.3
send 192.0.2.3 udp b.example.test. A
reply NXDOMAIN aa
  authority example.test. 300 SOA a. b. 1 2 3 4 300
told c1 NXDOMAIN
  authority example.test. 300 SOA a. b. 1 2 3 4 300
