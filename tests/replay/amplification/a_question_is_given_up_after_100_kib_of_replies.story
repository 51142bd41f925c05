ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa tc
send 192.0.2.3 tcp a.example.test. A
reply aa
  answer a.example.test. 300 CNAME b.example.test.
  400 additional pad.example.test. 300 TXT {i}-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
send 192.0.2.3 udp b.example.test. A
reply aa tc
send 192.0.2.3 tcp b.example.test. A
reply aa
  answer b.example.test. 300 A 198.51.100.1
  400 additional pad.example.test. 300 TXT {i}-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
told c1 SERVFAIL ede=22
  text it needs more upstream data than one question may cause
