set special-use = off
ask c1 www.invalid. A
send 192.0.2.1 udp www.invalid. A
leave c1
