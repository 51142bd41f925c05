ask c1 www.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.example.test. A as q1
wait 376ms
send 192.0.2.3 udp www.example.test. A again
wait 752ms
send 192.0.2.3 tcp www.example.test. A as q2
wait 3s
told c1 SERVFAIL ede=22
  text no name server of example.test. helped: 192.0.2.3 did not answer
closed q1
closed q2
