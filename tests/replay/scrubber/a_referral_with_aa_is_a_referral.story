# Some servers set it; the name servers are below the zone all the same.
ask c1 a.sub.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.sub.example.test. A
reply aa
  authority sub.example.test. 3600 NS ns1.sub.example.test.
  additional ns1.sub.example.test. 3600 A 192.0.2.4
send 192.0.2.4 udp a.sub.example.test. A
leave c1
