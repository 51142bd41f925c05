forward example.test. 192.0.2.50
ask c1 a.example.test. A
send 192.0.2.50 udp a.example.test. A rd
reply SERVFAIL
told c1 SERVFAIL ede=23
  text no name server of example.test. helped: 192.0.2.50 answered SERVFAIL
