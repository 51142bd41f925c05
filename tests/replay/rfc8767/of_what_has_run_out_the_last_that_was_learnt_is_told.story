# §4: a denial is as good as an answer, so it takes the place of what was before.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
wait 300s
ask c2 a.example.test. A
send 192.0.2.3 udp a.example.test. A
reply NXDOMAIN aa
  authority example.test. 300 SOA a. b. 1 2 3 4 300
told c2 NXDOMAIN
  authority example.test. 300 SOA a. b. 1 2 3 4 300
wait 300s
ask c3 a.example.test. A
send 192.0.2.3 udp a.example.test. A
reply SERVFAIL
told c3 NXDOMAIN ede=19
  authority example.test. 30 SOA a. b. 1 2 3 4 300
wait 5s
# And the other way round: it became an alias.
ask c4 a.example.test. A
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 60 CNAME b.example.test.
  answer b.example.test. 60 A 198.51.100.2
told c4 NOERROR
  answer a.example.test. 60 CNAME b.example.test.
  answer b.example.test. 60 A 198.51.100.2
wait 60s
ask c5 a.example.test. A
send 192.0.2.3 udp a.example.test. A
reply SERVFAIL
# Where the alias leads is asked for by itself, for that may be well.
send 192.0.2.3 udp b.example.test. A
reply SERVFAIL
told c5 NOERROR ede=3
  answer a.example.test. 30 CNAME b.example.test.
  answer b.example.test. 30 A 198.51.100.2
