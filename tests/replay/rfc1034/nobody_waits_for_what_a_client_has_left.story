ask c1 www.example.test. A
send 192.0.2.1 udp www.example.test. A
leave c1
reply
  authority example.test. 3600 NS ns.example.test.
  additional ns.example.test. 3600 A 192.0.2.3
