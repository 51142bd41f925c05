ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply REFUSED
told c1 SERVFAIL ede=23
ask c2 a.other.test. A
refer 192.0.2.1 other.test. 192.0.2.3
send 192.0.2.3 udp a.other.test. A
reply aa
  answer a.other.test. 300 A 198.51.100.1
told c2 NOERROR
  answer a.other.test. 300 A 198.51.100.1
