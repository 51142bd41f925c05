# RFC 1035 §3.4.1, RFC 3596 §2.2.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 A hex:c63364
  answer a.example.test. 300 A 198.51.100.1
  answer a.example.test. 300 A hex:c633640102
  answer a.example.test. 300 A hex:
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
ask c2 a.example.test. AAAA
send 192.0.2.3 udp a.example.test. AAAA
reply aa
  answer a.example.test. 300 AAAA hex:c6336401
  answer a.example.test. 300 AAAA 2001:db8::1
told c2 NOERROR
  answer a.example.test. 300 AAAA 2001:db8::1
