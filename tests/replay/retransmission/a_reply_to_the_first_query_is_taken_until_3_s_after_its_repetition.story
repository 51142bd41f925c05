ask c1 www.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.example.test. A as q1
wait 376ms
send 192.0.2.3 udp www.example.test. A again
wait 752ms
send 192.0.2.3 tcp www.example.test. A
wait 2247ms
reply to q1 aa
  answer www.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer www.example.test. 300 A 198.51.100.1
