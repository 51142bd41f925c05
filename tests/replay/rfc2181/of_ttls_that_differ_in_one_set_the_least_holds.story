# §5.2.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
  answer a.example.test. 60 A 198.51.100.2
  answer a.example.test. 600 A 198.51.100.3
told c1 NOERROR
  answer a.example.test. 60 A 198.51.100.1
  answer a.example.test. 60 A 198.51.100.2
  answer a.example.test. 60 A 198.51.100.3
