# §5.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply NXDOMAIN aa
  authority example.test. 600 SOA a. b. 1 2 3 4 300
told c1 NXDOMAIN
  authority example.test. 300 SOA a. b. 1 2 3 4 300
ask c2 b.example.test. A
send 192.0.2.3 udp b.example.test. A
reply NXDOMAIN aa
  authority example.test. 100 SOA a. b. 1 2 3 4 300
told c2 NXDOMAIN
  authority example.test. 100 SOA a. b. 1 2 3 4 300
wait 80s
ask c3 b.example.test. A
told c3 NXDOMAIN
  authority example.test. 20 SOA a. b. 1 2 3 4 300
wait 20s
ask c4 b.example.test. A
send 192.0.2.3 udp b.example.test. A
leave c4
