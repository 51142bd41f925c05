ask c1 www.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.example.test. A
reply aa
  answer www.example.test. 300 A 198.51.100.1
  answer www.victim.test. 300 A 203.0.113.66
  authority www.victim.test. 300 A 203.0.113.66
  additional www.victim.test. 300 A 203.0.113.66
told c1 NOERROR
  answer www.example.test. 300 A 198.51.100.1
ask c2 www.victim.test. A
send 192.0.2.1 udp www.victim.test. A
leave c2
