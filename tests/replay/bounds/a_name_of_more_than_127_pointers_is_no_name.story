# CVE-2024-8508, Unbound CVE-2026-44390, PowerDNS CVE-2026-52682. All would be the question's name; the last is 450 pointers away.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
  pointers 450
told c1 NOERROR
  answer a.example.test. 60 A 198.51.100.1
  answer a.example.test. 60 A 192.0.2.99
