ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
wait 100ms
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
wait 900s
ask c2 b.example.test. A
send 192.0.2.3 udp b.example.test. A
wait 376ms
send 192.0.2.3 udp b.example.test. A again
leave c2
