# §2.2 type 1 and 2.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  authority example.test. 300 SOA a. b. 1 2 3 4 300
  authority example.test. 300 NS ns1.example.test.
  additional ns1.example.test. 300 A 192.0.2.3
told c1 NOERROR
  authority example.test. 300 SOA a. b. 1 2 3 4 300
ask c2 b.example.test. A
send 192.0.2.3 udp b.example.test. A
reply aa
  authority example.test. 300 NS ns1.example.test.
told c2 NOERROR
