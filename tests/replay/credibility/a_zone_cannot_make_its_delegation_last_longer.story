# Ghost domains: Unbound CVE-2026-40622, -42955. The zone above gave it an hour, and it is asked again after that.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 A 203.0.113.66
  authority example.test. 86400 NS ns1.example.test.
  additional ns1.example.test. 86400 A 192.0.2.3
told c1 NOERROR
  answer a.example.test. 300 A 203.0.113.66
wait 3599s
ask c2 b.example.test. A
send 192.0.2.3 udp b.example.test. A
reply aa
  answer b.example.test. 300 A 203.0.113.66
  authority example.test. 86400 NS ns1.example.test.
  additional ns1.example.test. 86400 A 192.0.2.3
told c2 NOERROR
  answer b.example.test. 300 A 203.0.113.66
ask c3 example.test. NS
send 192.0.2.3 udp example.test. NS
reply aa
  answer example.test. 86400 NS ns1.example.test.
  additional ns1.example.test. 86400 A 192.0.2.3
told c3 NOERROR
  answer example.test. 86400 NS ns1.example.test.
wait 1s
ask c4 d.example.test. A
send 192.0.2.1 udp d.example.test. A
reply NXDOMAIN aa
  authority . 300 SOA a. b. 1 2 3 4 300
told c4 NXDOMAIN
  authority . 300 SOA a. b. 1 2 3 4 300
