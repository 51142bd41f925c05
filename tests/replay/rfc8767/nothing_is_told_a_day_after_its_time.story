ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
wait 86700s
ask c2 a.example.test. A
send 192.0.2.1 udp a.example.test. A
reply SERVFAIL
told c2 NOERROR ede=3
  answer a.example.test. 30 A 198.51.100.1
wait 6s
ask c3 a.example.test. A
send 192.0.2.1 udp a.example.test. A
reply SERVFAIL
told c3 SERVFAIL ede=23
