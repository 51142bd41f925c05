ask c1 www.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3 192.0.2.4
send $a udp www.example.test. A
reply SERVFAIL
send $b udp www.example.test. A
reply REFUSED
told c1 SERVFAIL ede=23
  text no name server of example.test. helped: $a answered SERVFAIL, $b answered REFUSED
