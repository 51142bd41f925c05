# RFC 4035 §3.1.4.1: the zone above has it, or denies it.
ask c1 example.test. DS
send 192.0.2.1 udp example.test. DS
reply
  authority example.test. 3600 NS ns1.example.test.
  additional ns1.example.test. 3600 A 192.0.2.3
told c1 SERVFAIL ede=23
  text no name server of . helped: 192.0.2.1 referred elsewhere
