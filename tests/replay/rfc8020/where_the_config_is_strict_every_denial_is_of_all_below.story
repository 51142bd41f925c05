set minimise = strict
ask c1 nothing.example.test. A
refer 192.0.2.1 test. 192.0.2.2
refer 192.0.2.2 example.test. 192.0.2.3
send 192.0.2.3 udp nothing.example.test. A
reply NXDOMAIN aa
  authority example.test. 300 SOA a. b. 1 2 3 4 300
told c1 NXDOMAIN
  authority example.test. 300 SOA a. b. 1 2 3 4 300
ask c2 a.b.nothing.example.test. A
told c2 NXDOMAIN
  authority example.test. 300 SOA a. b. 1 2 3 4 300
# Its neighbours and what is above it are not.
ask c3 xnothing.example.test. A
send 192.0.2.3 udp xnothing.example.test. A
leave c3
