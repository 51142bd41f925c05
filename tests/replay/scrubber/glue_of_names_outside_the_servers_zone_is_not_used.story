ask c1 www.sub.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.sub.example.test. A
reply
  authority sub.example.test. 3600 NS ns.victim.org.
  additional ns.victim.org. 3600 A 203.0.113.66
send 192.0.2.1 udp ns.victim.org. A
reply aa
  answer ns.victim.org. 3600 A 192.0.2.9
send 192.0.2.9 udp www.sub.example.test. A
leave c1
