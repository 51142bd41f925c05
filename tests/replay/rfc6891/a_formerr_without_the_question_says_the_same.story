ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply FORMERR no-question
send 192.0.2.3 udp a.example.test. A no-edns
leave c1
