# §7: what servers fail to say is not what they deny.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply SERVFAIL
  authority example.test. 300 SOA a. b. 1 2 3 4 300
told c1 SERVFAIL ede=23
