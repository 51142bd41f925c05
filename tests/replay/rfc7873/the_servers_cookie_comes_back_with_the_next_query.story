# §5.1, §5.3.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A cookie=fresh
reply aa cookie=0102030405060708
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
ask c2 b.example.test. A
send 192.0.2.3 udp b.example.test. A cookie=0102030405060708
# Each reply may bring a new one.
reply aa cookie=1112131415161718
  answer b.example.test. 300 A 198.51.100.1
told c2 NOERROR
  answer b.example.test. 300 A 198.51.100.1
ask c3 c.example.test. A
send 192.0.2.3 udp c.example.test. A cookie=1112131415161718
leave c3
# It is that server's alone.
ask c4 d.org. A
send 192.0.2.1 udp d.org. A cookie=fresh
leave c4
