# BIND CVE-2026-3592.
ask c1 a.sub.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.sub.example.test. A
reply
  26 authority sub.example.test. 3600 NS ns{i}.sub.example.test.
  26 additional ns{i}.sub.example.test. 3600 A 192.0.2.9
  26 additional ns{i}.sub.example.test. 3600 AAAA ::ffff:192.0.2.9
send 192.0.2.9 udp a.sub.example.test. A
reply REFUSED
told c1 SERVFAIL ede=23
  text no name server of sub.example.test. helped: 192.0.2.9 answered REFUSED
