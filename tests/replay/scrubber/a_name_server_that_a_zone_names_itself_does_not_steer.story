# Delegations are the parent's: what the child says of its servers is an answer to who asks for it.
ask c1 example.test. NS
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp example.test. NS
reply aa
  answer example.test. 86400 NS ns.evil.test.
  additional ns.evil.test. 86400 A 203.0.113.66
told c1 NOERROR
  answer example.test. 86400 NS ns.evil.test.
ask c2 www.example.test. A
send 192.0.2.3 udp www.example.test. A
leave c2
