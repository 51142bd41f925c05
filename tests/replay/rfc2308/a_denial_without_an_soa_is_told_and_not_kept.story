# §2.2 type 3, §5.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
told c1 NOERROR
ask c2 a.example.test. A
send 192.0.2.3 udp a.example.test. A
reply NXDOMAIN aa
told c2 NXDOMAIN
ask c3 a.example.test. A
send 192.0.2.3 udp a.example.test. A
leave c3
