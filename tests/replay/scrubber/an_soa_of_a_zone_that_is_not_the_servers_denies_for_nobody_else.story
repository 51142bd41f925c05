ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply NXDOMAIN aa
  authority test. 300 SOA a. b. 1 2 3 4 300
told c1 NXDOMAIN
ask c2 b.example.test. A
send 192.0.2.3 udp b.example.test. A
reply NXDOMAIN aa
  authority other.test. 300 SOA a. b. 1 2 3 4 300
told c2 NXDOMAIN
# What such an SOA denies is not kept.
ask c3 a.example.test. A
send 192.0.2.3 udp a.example.test. A
reply NXDOMAIN aa
  authority b.a.example.test. 300 SOA a. b. 1 2 3 4 300
told c3 NXDOMAIN
ask c4 a.example.test. A
send 192.0.2.3 udp a.example.test. A
leave c4
