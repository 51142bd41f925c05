set minimise = relaxed
ask c1 a.b.nothing. TXT
send 192.0.2.1 udp nothing. A
reply NXDOMAIN aa
  authority . 300 SOA a. b. 1 2 3 4 300
told c1 NXDOMAIN
  authority . 300 SOA a. b. 1 2 3 4 300
