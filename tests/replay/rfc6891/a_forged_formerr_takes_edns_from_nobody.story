# CVE-2023-26437, CVE-2026-52690.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply FORMERR wrong-id
send 192.0.2.3 tcp a.example.test. A cookie=fresh
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
ask c2 b.example.test. A
send 192.0.2.3 udp b.example.test. A cookie=fresh
leave c2
