ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
  500 additional x{i}.example.test. 300 A 198.51.100.2
told c1 SERVFAIL ede=23
  text no name server of example.test. helped: 192.0.2.3 sent a malformed reply
