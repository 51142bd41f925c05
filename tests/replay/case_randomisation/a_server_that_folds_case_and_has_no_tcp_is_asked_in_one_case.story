set case = on
ask c1 www.example.test. A
send 192.0.2.1 udp www.example.test. A random-case
reply aa lower-case
send 192.0.2.1 tcp www.example.test. A
unreachable
send 192.0.2.1 udp www.example.test. A
reply aa
  answer www.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer www.example.test. 300 A 198.51.100.1
