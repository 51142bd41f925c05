# Unbound CVE-2026-44687.
set minimise = strict
stub lab.corp. 192.0.2.50
ask c1 corp. A
send 192.0.2.1 udp corp. A
reply NXDOMAIN aa
  authority . 300 SOA a. b. 1 2 3 4 300
told c1 NXDOMAIN
  authority . 300 SOA a. b. 1 2 3 4 300
ask c2 a.corp. A
told c2 NXDOMAIN
  authority . 300 SOA a. b. 1 2 3 4 300
ask c3 www.lab.corp. A
send 192.0.2.50 udp www.lab.corp. A
reply aa
  answer www.lab.corp. 300 A 198.51.100.50
told c3 NOERROR
  answer www.lab.corp. 300 A 198.51.100.50
