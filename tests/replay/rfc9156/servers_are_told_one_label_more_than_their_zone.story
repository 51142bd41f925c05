# §2.3, §3.
set minimise = relaxed
ask c1 a.b.example.test. TXT
send 192.0.2.1 udp test. A
reply
  authority test. 3600 NS ns.test.
  additional ns.test. 3600 A 192.0.2.2
send 192.0.2.2 udp example.test. A
reply
  authority example.test. 3600 NS ns.example.test.
  additional ns.example.test. 3600 A 192.0.2.3
send 192.0.2.3 udp b.example.test. A
# An empty non-terminal.
reply aa
  authority example.test. 300 SOA a. b. 1 2 3 4 300
send 192.0.2.3 udp a.b.example.test. TXT
reply aa
  answer a.b.example.test. 300 TXT "hello"
told c1 NOERROR
  answer a.b.example.test. 300 TXT "hello"
# What is known of the part is not asked again.
ask c2 c.b.example.test. A
send 192.0.2.3 udp c.b.example.test. A
leave c2
