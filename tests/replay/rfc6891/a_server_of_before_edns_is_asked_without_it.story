# §7: FORMERR, NOTIMP.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply FORMERR
send 192.0.2.3 udp a.example.test. A no-edns
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
ask c2 b.example.test. A
send 192.0.2.3 udp b.example.test. A no-edns
leave c2
# It may have learnt it after a quarter of an hour.
wait 900s
ask c3 c.example.test. A
send 192.0.2.3 udp c.example.test. A
leave c3
