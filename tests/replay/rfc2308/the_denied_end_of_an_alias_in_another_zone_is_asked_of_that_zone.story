ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply NXDOMAIN aa
  answer a.example.test. 300 CNAME b.other.test.
  authority other.test. 300 SOA a. b. 1 2 3 4 300
send 192.0.2.1 udp b.other.test. A
reply aa
  answer b.other.test. 300 A 198.51.100.2
told c1 NOERROR
  answer a.example.test. 300 CNAME b.other.test.
  answer b.other.test. 300 A 198.51.100.2
