ask c1 www.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.example.test. A
reply aa tc
send 192.0.2.3 tcp www.example.test. A as q1
wait 3s
closed q1
send 192.0.2.3 tcp www.example.test. A
wait 3s
told c1 SERVFAIL ede=22
