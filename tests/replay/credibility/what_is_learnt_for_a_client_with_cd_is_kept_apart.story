# Such data is not checked, and never displaces what is (BIND gl#5877).
ask c1 a.example.test. A cd
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
ask c2 a.example.test. A
send 192.0.2.3 udp a.example.test. A
leave c2
ask c3 a.example.test. A cd
told c3 NOERROR
  answer a.example.test. 300 A 198.51.100.1
