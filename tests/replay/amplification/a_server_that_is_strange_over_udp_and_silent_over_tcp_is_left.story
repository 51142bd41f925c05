ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply wrong-id
send 192.0.2.3 tcp a.example.test. A
unreachable
send 192.0.2.3 udp a.example.test. A cookie=none
reply wrong-id
send 192.0.2.3 tcp a.example.test. A
unreachable
told c1 SERVFAIL ede=22
  text no name server of example.test. helped: 192.0.2.3 cannot be reached
