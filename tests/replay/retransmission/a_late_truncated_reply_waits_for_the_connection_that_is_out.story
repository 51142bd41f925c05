ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A as q1
wait 376ms
send 192.0.2.3 udp a.example.test. A again
wait 752ms
send 192.0.2.3 tcp a.example.test. A as q2
wait 10ms
reply to q1 aa tc
wait 10ms
reply to q2 aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
