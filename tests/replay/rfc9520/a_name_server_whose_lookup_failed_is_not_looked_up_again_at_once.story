# §3.2: or every name below such a delegation costs the lookup anew.
ask c1 a.example.test. A
send 192.0.2.1 udp a.example.test. A
reply
  authority example.test. 3600 NS ns.host.org.
send 192.0.2.1 udp ns.host.org. A
reply SERVFAIL
send 192.0.2.1 udp ns.host.org. AAAA
reply SERVFAIL
told c1 SERVFAIL ede=22
ask c2 b.example.test. A
told c2 SERVFAIL ede=22
  text no name server of example.test. has an address
wait 5s
ask c3 c.example.test. A
send 192.0.2.1 udp ns.host.org. A
leave c3
