ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
wait 376ms
send 192.0.2.3 udp a.example.test. A again
wait 752ms
send 192.0.2.3 tcp a.example.test. A
wait 3s
told c1 SERVFAIL ede=22
# The fourth.
ask c2 b.example.test. A
send 192.0.2.3 udp b.example.test. A
wait 3s
told c2 SERVFAIL ede=22
ask c3 c.example.test. A
send 192.0.2.3 udp c.example.test. A
wait 3s
told c3 SERVFAIL ede=22
# It is well again when it answers.
ask c4 d.example.test. A
send 192.0.2.3 udp d.example.test. A
wait 2s
reply aa
  answer d.example.test. 300 A 198.51.100.1
told c4 NOERROR
  answer d.example.test. 300 A 198.51.100.1
ask c5 e.example.test. A
send 192.0.2.3 udp e.example.test. A
wait 1.5s
send 192.0.2.3 udp e.example.test. A again
leave c5
