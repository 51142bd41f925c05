ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  authority example.test. 300 SOA a. b. 1 2 3 4 300
told c1 NOERROR
  authority example.test. 300 SOA a. b. 1 2 3 4 300
ask c2 a.example.test. A
told c2 NOERROR
  authority example.test. 300 SOA a. b. 1 2 3 4 300
ask c3 a.example.test. MX
send 192.0.2.3 udp a.example.test. MX
leave c3
