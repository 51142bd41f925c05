own lab.corp.
  lab.corp. NS ns.lab.corp.
  ns.lab.corp. A 192.0.2.60
  sub.lab.corp. NS ns.sub.lab.corp.
  ns.sub.lab.corp. A 192.0.2.61
ask c1 corp. A
send 192.0.2.1 udp corp. A
reply NXDOMAIN aa
  authority . 300 SOA a. b. 1 2 3 4 300
told c1 NXDOMAIN
  authority . 300 SOA a. b. 1 2 3 4 300
ask c2 ns.lab.corp. A
told c2 NOERROR aa
  answer ns.lab.corp. 3600 A 192.0.2.60
# Nor below what it delegates.
ask c3 www.sub.lab.corp. A
send 192.0.2.61 udp www.sub.lab.corp. A
leave c3
