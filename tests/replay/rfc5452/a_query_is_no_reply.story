ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa a-query
  answer a.example.test. 300 A 203.0.113.66
send 192.0.2.3 tcp a.example.test. A
leave c1
