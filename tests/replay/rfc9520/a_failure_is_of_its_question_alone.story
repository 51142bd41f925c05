ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply SERVFAIL
told c1 SERVFAIL ede=23
ask c2 a.example.test. AAAA
send 192.0.2.3 udp a.example.test. AAAA
leave c2
ask c3 b.example.test. A
send 192.0.2.3 udp b.example.test. A
leave c3
