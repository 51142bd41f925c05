ask c1 a.example.test. CNAME
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. CNAME
reply aa
  authority example.test. 300 SOA a. b. 1 2 3 4 300
told c1 NOERROR
  authority example.test. 300 SOA a. b. 1 2 3 4 300
ask c2 a.example.test. A
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c2 NOERROR
  answer a.example.test. 300 A 198.51.100.1
