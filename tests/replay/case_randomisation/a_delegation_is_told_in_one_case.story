set case = on
ask c1 www.example.test. A
send 192.0.2.1 udp www.example.test. A random-case
reply
  authority EXAMPLE.test. 3600 NS NS1.example.TEST.
  additional ns1.EXAMPLE.test. 3600 A 192.0.2.3
send 192.0.2.3 udp www.example.test. A random-case
reply REFUSED
told c1 SERVFAIL ede=23
  text no name server of example.test. helped: 192.0.2.3 answered REFUSED
