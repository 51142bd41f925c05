# NXNSAttack: CVE-2020-8616, CVE-2020-12662.
ask c1 a.sub.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.sub.example.test. A
reply
  100 authority sub.example.test. 3600 NS nx{i}.victim.test.
send 192.0.2.1 udp nx0.victim.test. A as q0
send 192.0.2.1 udp nx1.victim.test. A as q1
reply to q0 NXDOMAIN aa
  authority . 300 SOA a. b. 1 2 3 4 300
send 192.0.2.1 udp nx2.victim.test. A as q2
reply to q1 NXDOMAIN aa
  authority . 300 SOA a. b. 1 2 3 4 300
send 192.0.2.1 udp nx3.victim.test. A as q3
reply to q2 NXDOMAIN aa
  authority . 300 SOA a. b. 1 2 3 4 300
send 192.0.2.1 udp nx4.victim.test. A as q4
reply to q3 NXDOMAIN aa
  authority . 300 SOA a. b. 1 2 3 4 300
send 192.0.2.1 udp nx5.victim.test. A as q5
reply to q4 NXDOMAIN aa
  authority . 300 SOA a. b. 1 2 3 4 300
reply to q5 NXDOMAIN aa
  authority . 300 SOA a. b. 1 2 3 4 300
told c1 SERVFAIL ede=22
  text no name server of sub.example.test. has an address
# And once more it costs nothing.
ask c2 a.sub.example.test. A
told c2 SERVFAIL ede=22
  text no name server of sub.example.test. has an address
# Nor does another name of that zone: what is known of its servers counts.
ask c3 b.sub.example.test. A
told c3 SERVFAIL ede=22
  text no name server of sub.example.test. has an address
