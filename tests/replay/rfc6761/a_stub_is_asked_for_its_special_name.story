set special-use = on
stub corp.home.arpa. 192.0.2.50
ask c1 a.corp.home.arpa. A
send 192.0.2.50 udp a.corp.home.arpa. A
leave c1
