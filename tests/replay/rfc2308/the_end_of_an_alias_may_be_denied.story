# §2.1, §2.2.1: the code is that of the last name.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply NXDOMAIN aa
  answer a.example.test. 300 CNAME b.example.test.
  authority example.test. 300 SOA a. b. 1 2 3 4 300
told c1 NXDOMAIN
  answer a.example.test. 300 CNAME b.example.test.
  authority example.test. 300 SOA a. b. 1 2 3 4 300
# It is not the alias that does not exist.
ask c2 a.example.test. MX
told c2 NXDOMAIN
  answer a.example.test. 300 CNAME b.example.test.
  authority example.test. 300 SOA a. b. 1 2 3 4 300
ask c3 a.example.test. CNAME
told c3 NOERROR
  answer a.example.test. 300 CNAME b.example.test.
