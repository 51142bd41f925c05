forward corp.test. 192.0.2.50
stub lab.corp.test. 192.0.2.51
ask c1 a.corp.test. A
send 192.0.2.50 udp a.corp.test. A rd
reply ra
  answer a.corp.test. 300 CNAME b.example.test.
  answer b.example.test. 300 A 203.0.113.66
# What lies outside of its zone is asked of others.
send 192.0.2.1 udp b.example.test. A
reply aa
  answer b.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.corp.test. 300 CNAME b.example.test.
  answer b.example.test. 300 A 198.51.100.1
ask c2 a.lab.corp.test. A
send 192.0.2.51 udp a.lab.corp.test. A
reply ra
  answer a.lab.corp.test. 300 A 203.0.113.66
told c2 SERVFAIL ede=23
  text no name server of lab.corp.test. helped: 192.0.2.51 is not authoritative
