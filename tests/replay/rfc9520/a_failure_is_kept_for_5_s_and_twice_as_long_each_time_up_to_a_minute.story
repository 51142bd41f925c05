# §3.2.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply SERVFAIL
told c1 SERVFAIL ede=23
  text no name server of example.test. helped: 192.0.2.3 answered SERVFAIL
wait 4.9s
ask c2 a.example.test. A
told c2 SERVFAIL ede=23
  text no name server of example.test. helped: 192.0.2.3 answered SERVFAIL
wait 100ms
ask c3 a.example.test. A
send 192.0.2.3 udp a.example.test. A
reply SERVFAIL
told c3 SERVFAIL ede=23
wait 9.9s
ask c4 a.example.test. A
told c4 SERVFAIL ede=23
wait 100ms
ask c5 a.example.test. A
send 192.0.2.3 udp a.example.test. A
reply SERVFAIL
told c5 SERVFAIL ede=23
wait 20s
ask c6 a.example.test. A
send 192.0.2.3 udp a.example.test. A
reply SERVFAIL
told c6 SERVFAIL ede=23
wait 40s
ask c7 a.example.test. A
send 192.0.2.3 udp a.example.test. A
reply SERVFAIL
told c7 SERVFAIL ede=23
wait 59.9s
ask c8 a.example.test. A
told c8 SERVFAIL ede=23
wait 100ms
ask c9 a.example.test. A
send 192.0.2.3 udp a.example.test. A
reply SERVFAIL
told c9 SERVFAIL ede=23
# After two quiet minutes it begins anew.
wait 120s
ask d1 a.example.test. A
send 192.0.2.3 udp a.example.test. A
reply SERVFAIL
told d1 SERVFAIL ede=23
wait 5s
ask d2 a.example.test. A
send 192.0.2.3 udp a.example.test. A
leave d2
