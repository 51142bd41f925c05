ask c1 www.old.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.old.example.test. A
reply aa
  authority old.example.test. 300 DNAME evil.test.
  authority example.test. 300 SOA a. b. 1 2 3 4 300
told c1 NOERROR
  authority example.test. 300 SOA a. b. 1 2 3 4 300
