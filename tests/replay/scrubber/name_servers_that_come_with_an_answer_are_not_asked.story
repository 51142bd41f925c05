# "Promiscuous" NS: BIND CVE-2025-40778, PowerDNS CVE-2025-59023.
ask c1 www.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.example.test. A
reply aa
  answer www.example.test. 300 A 198.51.100.1
  authority example.test. 300 NS ns.evil.test.
  authority test. 300 NS ns.evil.test.
  authority . 300 NS ns.evil.test.
  additional ns.evil.test. 300 A 203.0.113.66
told c1 NOERROR
  answer www.example.test. 300 A 198.51.100.1
ask c2 mail.example.test. A
send 192.0.2.3 udp mail.example.test. A
leave c2
ask c3 www.other.test. A
send 192.0.2.1 udp www.other.test. A
leave c3
