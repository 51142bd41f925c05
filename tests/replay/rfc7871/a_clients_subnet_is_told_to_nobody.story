# PowerDNS CVE-2026-40012 leaked answers by it; it is not sent, so there is nothing to leak.
ask c1 a.example.test. A subnet
send 192.0.2.1 udp a.example.test. A
reply aa subnet=24
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
ask c2 a.example.test. A
told c2 NOERROR
  answer a.example.test. 300 A 198.51.100.1
