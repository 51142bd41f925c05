ask c1 www.example.test. A
send 192.0.2.1 udp www.example.test. A
reply
  authority example.test. 3600 NS ns.host.org.
send 192.0.2.1 udp ns.host.org. A
reply aa
  authority . 3600 SOA a. b. 1 2 3 4 300
send 192.0.2.1 udp ns.host.org. AAAA
reply aa
  answer ns.host.org. 3600 AAAA 2001:db8::3
send 2001:db8::3 udp www.example.test. A
reply aa
  answer www.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer www.example.test. 300 A 198.51.100.1
