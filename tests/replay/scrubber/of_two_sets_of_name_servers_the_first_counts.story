ask c1 a.sub.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.sub.example.test. A
reply
  authority sub.example.test. 3600 NS ns1.sub.example.test.
  authority other.example.test. 3600 NS ns1.other.example.test.
  additional ns1.sub.example.test. 3600 A 192.0.2.4
  additional ns1.other.example.test. 3600 A 203.0.113.66
send 192.0.2.4 udp a.sub.example.test. A
leave c1
ask c2 a.other.example.test. A
send 192.0.2.3 udp a.other.example.test. A
leave c2
