# Where would the rest come from? As BIND does.
ask c1 www.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3 192.0.2.4
send $a udp www.example.test. A
reply aa tc
send $a tcp www.example.test. A
reply aa tc
  answer www.example.test. 300 A 203.0.113.66
send $b udp www.example.test. A
reply aa tc
send $b tcp www.example.test. A
reply aa tc
  answer www.example.test. 300 A 203.0.113.66
told c1 SERVFAIL ede=23
  text no name server of example.test. helped: $a cut off a reply over TCP, $b cut off a reply over TCP
