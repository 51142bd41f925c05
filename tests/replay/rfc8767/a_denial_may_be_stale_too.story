ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply NXDOMAIN aa
  authority example.test. 300 SOA a. b. 1 2 3 4 300
told c1 NXDOMAIN
  authority example.test. 300 SOA a. b. 1 2 3 4 300
wait 300s
ask c2 a.example.test. A
send 192.0.2.3 udp a.example.test. A
reply SERVFAIL
told c2 NXDOMAIN ede=19
  authority example.test. 30 SOA a. b. 1 2 3 4 300
