ask c1 a.example.test. A
send 192.0.2.1 udp a.example.test. A
reply
  authority example.test. 3600 NS ns.host.org.
send 192.0.2.1 udp ns.host.org. A
reply SERVFAIL
send 192.0.2.1 udp ns.host.org. AAAA
reply SERVFAIL
told c1 SERVFAIL ede=22
ask c2 ns.host.org. A
told c2 SERVFAIL ede=23
  text no name server of . helped: 192.0.2.1 answered SERVFAIL
