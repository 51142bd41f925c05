ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply
  authority example.test. 3600 NS ns1.example.test.
  additional ns1.example.test. 3600 A 203.0.113.66
told c1 SERVFAIL ede=23
  text no name server of example.test. helped: 192.0.2.3 referred elsewhere
