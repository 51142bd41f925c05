# Who can make a server say FORMERR must not take EDNS, and its cookies, from it.
ask c1 a.example.test. TYPE65400
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. TYPE65400
reply FORMERR
send 192.0.2.3 udp a.example.test. TYPE65400 no-edns
reply FORMERR
told c1 SERVFAIL ede=23
  text no name server of example.test. helped: 192.0.2.3 answered FORMERR
ask c2 a.example.test. A
send 192.0.2.3 udp a.example.test. A cookie=fresh
leave c2
