# RFC 6298 §2: the smoothed time and four times its variation.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
wait 100ms
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
ask c2 b.example.test. A
send 192.0.2.3 udp b.example.test. A
wait 300ms
send 192.0.2.3 udp b.example.test. A again
wait 500ms
reply aa
  answer b.example.test. 300 A 198.51.100.1
told c2 NOERROR
  answer b.example.test. 300 A 198.51.100.1
# §3 (Karn): the reply to a repeated query tells no time, so the timeout is what it was.
ask c3 c.example.test. A
send 192.0.2.3 udp c.example.test. A
wait 300ms
send 192.0.2.3 udp c.example.test. A again
leave c3
