ask c1 nothing. A
send 192.0.2.1 udp nothing. A
reply NXDOMAIN aa
  authority . 300 SOA a. b. 1 2 3 4 300
told c1 NXDOMAIN
  authority . 300 SOA a. b. 1 2 3 4 300
ask c2 a.b.nothing. MX
told c2 NXDOMAIN
  authority . 300 SOA a. b. 1 2 3 4 300
wait 300s
ask c3 a.b.nothing. MX
send 192.0.2.1 udp a.b.nothing. MX
leave c3
