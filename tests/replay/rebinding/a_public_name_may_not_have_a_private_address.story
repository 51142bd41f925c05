set rebinding = on
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
  answer a.example.test. 300 A 192.168.1.1
told c1 REFUSED ede=15
  text 192.168.1.1 is a private address, and resolver.rebinding_protection is on
# It is not kept as an answer.
ask c2 a.example.test. A
told c2 REFUSED ede=15
