# A query that nobody waits for is listened to, for what it tells of its server; who asks the same waits for it too.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A as q1
leave c1
reply to q1 aa wrong-id
  answer a.example.test. 300 A 203.0.113.66
ask c2 a.example.test. A
reply to q1 aa
  answer a.example.test. 300 A 198.51.100.1
told c2 NOERROR
  answer a.example.test. 300 A 198.51.100.1
