ask c1 www.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.example.test. A
reply NXDOMAIN aa
  authority example.test. 300 SOA a. b. 1 2 3 4 300
  authority example.test. 300 NS ns.evil.test.
  authority sub.example.test. 300 NS ns.evil.test.
  additional ns.evil.test. 300 A 203.0.113.66
told c1 NXDOMAIN
  authority example.test. 300 SOA a. b. 1 2 3 4 300
ask c2 www.sub.example.test. A
send 192.0.2.3 udp www.sub.example.test. A
leave c2
