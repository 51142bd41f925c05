ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3 192.0.2.4
send $a udp a.example.test. A as q1
wait 376ms
send $b udp a.example.test. A as q2
wait 10ms
reply to q1 SERVFAIL
wait 10ms
reply to q2 aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
