own own.test.
  own.test. NS ns.own.test.
  www.own.test. 60 CNAME a.example.test.
ask c1 www.own.test. A no-rd
told c1 NOERROR aa
  answer www.own.test. 60 CNAME a.example.test.
ask c2 www.own.test. A
send 192.0.2.1 udp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c2 NOERROR aa
  answer www.own.test. 60 CNAME a.example.test.
  answer a.example.test. 300 A 198.51.100.1
