ask c1 www.example.test. A
send 192.0.2.1 udp www.example.test. A
reply
  authority example.test. 3600 NS ns1.example.test.
  authority example.test. 3600 NS ns2.example.test.
  additional ns3.example.test. 3600 A 203.0.113.66
  additional ns1.example.test. 3600 A 192.0.2.3
  additional www.example.test. 3600 A 203.0.113.66
send 192.0.2.3 udp www.example.test. A
reply aa
  answer www.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer www.example.test. 300 A 198.51.100.1
