# The code is that of the alias's target.
set minimise = strict
ask c1 a.b.example.test. TXT
refer 192.0.2.1 test. 192.0.2.2
refer 192.0.2.2 example.test. 192.0.2.3
send 192.0.2.3 udp b.example.test. A
reply NXDOMAIN aa
  answer b.example.test. 300 CNAME c.example.test.
  authority example.test. 300 SOA a. b. 1 2 3 4 300
send 192.0.2.3 udp a.b.example.test. TXT
reply aa
  answer a.b.example.test. 300 TXT "hello"
told c1 NOERROR
  answer a.b.example.test. 300 TXT "hello"
