# BIND CVE-2026-5950: a resend loop.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply BADCOOKIE cookie=0102030405060708
send 192.0.2.3 udp a.example.test. A
reply FORMERR cookie=0102030405060708
send 192.0.2.3 udp a.example.test. A no-edns
reply aa tc
send 192.0.2.3 tcp a.example.test. A no-edns
reply BADVERS
told c1 SERVFAIL ede=23
