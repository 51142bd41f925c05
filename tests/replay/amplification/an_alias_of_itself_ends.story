ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 CNAME a.example.test.
told c1 SERVFAIL ede=0
  text the chain of aliases is a loop
