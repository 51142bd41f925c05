# BIND gl#5878: such a question never ended.
ask c1 a.example.test. DS
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. DS
reply aa
  answer a.example.test. 300 CNAME b.other.test.
send 192.0.2.1 udp b.other.test. DS
reply aa
  authority . 300 SOA a. b. 1 2 3 4 300
told c1 NOERROR
  answer a.example.test. 300 CNAME b.other.test.
  authority . 300 SOA a. b. 1 2 3 4 300
