set minimise = strict
forward . 192.0.2.50
ask c1 a.b.c.test. TXT
send 192.0.2.50 udp a.b.c.test. TXT rd
leave c1
