ask c1 a.sub.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.sub.example.test. A
reply
  authority sub.example.test. 86400 NS ns1.sub.example.test.
  additional ns1.sub.example.test. 86400 A 192.0.2.4
send 192.0.2.4 udp a.sub.example.test. A
reply aa
  answer a.sub.example.test. 300 A 203.0.113.66
told c1 NOERROR
  answer a.sub.example.test. 300 A 203.0.113.66
wait 3600s
ask c2 b.sub.example.test. A
send 192.0.2.1 udp b.sub.example.test. A
leave c2
