# PowerDNS CVE-2026-33258: one set of records pushes out thousands. More than 16 KiB.
ask c1 a.example.test. TXT
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. TXT
reply aa tc
send 192.0.2.3 tcp a.example.test. TXT
reply aa
  300 answer a.example.test. 300 TXT "{i} of the three hundred records of sixty octets and more each"
told c1 NOERROR
  300 answer a.example.test. 300 TXT "{i} of the three hundred records of sixty octets and more each"
ask c2 a.example.test. TXT
send 192.0.2.3 udp a.example.test. TXT
leave c2
