# A name below an alias is no name of the alias's target.
set minimise = relaxed
ask c1 a.b.example.test. TXT
refer 192.0.2.1 test. 192.0.2.2
refer 192.0.2.2 example.test. 192.0.2.3
send 192.0.2.3 udp b.example.test. A
reply aa
  answer b.example.test. 300 CNAME c.example.test.
send 192.0.2.3 udp a.b.example.test. TXT
leave c1
