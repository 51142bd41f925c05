ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 9 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 9 A 198.51.100.1
wait 8s
ask c2 a.example.test. A
told c2 NOERROR
  answer a.example.test. 1 A 198.51.100.1
