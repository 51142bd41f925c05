ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
not-sent
told c1 SERVFAIL ede=22
  text no name server of example.test. helped: 192.0.2.3 was not asked: this resolver is out of sockets
ask c2 b.example.test. A
send 192.0.2.3 udp b.example.test. A
wait 376ms
send 192.0.2.3 udp b.example.test. A again
leave c2
