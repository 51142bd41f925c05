ask c1 www.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3 192.0.2.4
send $a udp www.example.test. A
wait 5ms
unreachable
send $b udp www.example.test. A
wait 5ms
unreachable
told c1 SERVFAIL ede=22
  text no name server of example.test. helped: $a cannot be reached, $b cannot be reached
