# Or whose delegations without glue lead to it could deny it to all others.
set ipv6 = off
ask c1 n.z0. A
repeat 5
send 192.0.2.1 udp n.z{n}. A
reply
  authority z{n}. 3600 NS n.z{n+1}.
end
send 192.0.2.1 udp n.z5. A
reply
  authority z5. 3600 NS www.victim.test.
send 192.0.2.1 udp www.victim.test. A
reply
  authority victim.test. 3600 NS ns.hoster.org.
told c1 SERVFAIL ede=22
  text no name server of z0. has an address
ask c2 www.victim.test. A
send 192.0.2.1 udp ns.hoster.org. A
leave c2
# The question of the client has.
ask c3 n.z0. A
told c3 SERVFAIL ede=22
