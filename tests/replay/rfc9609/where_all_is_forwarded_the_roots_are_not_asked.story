set priming = on
forward . 192.0.2.50
ask c1 a. A
send 192.0.2.50 udp a. A rd
leave c1
