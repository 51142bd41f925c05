# RFC 6840 §5.9.
forward . 192.0.2.50
ask c1 a.test. A cd
send 192.0.2.50 udp a.test. A rd cd
leave c1
