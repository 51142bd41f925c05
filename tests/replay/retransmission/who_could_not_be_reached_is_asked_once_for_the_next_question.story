ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
unreachable
told c1 SERVFAIL ede=22
ask c2 b.example.test. A
send 192.0.2.3 udp b.example.test. A
wait 3s
told c2 SERVFAIL ede=22
