set priming = on
forward . 192.0.2.50 fallback
ask c1 . NS
send 192.0.2.50 udp . NS rd
reply ra
  answer . 3600 NS evil.root.
  additional evil.root. 3600 A 203.0.113.66
told c1 NOERROR
  answer . 3600 NS evil.root.
ask c2 a. A
send 192.0.2.50 udp a. A rd
reply SERVFAIL
send 192.0.2.1 udp a. A
leave c2
