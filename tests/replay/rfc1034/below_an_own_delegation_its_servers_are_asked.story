own own.test.
  own.test. NS ns.own.test.
  sub.own.test. NS ns.sub.own.test.
  ns.sub.own.test. A 192.0.2.61
ask c1 a.sub.own.test. A
send 192.0.2.61 udp a.sub.own.test. A
reply aa
  answer a.sub.own.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.sub.own.test. 300 A 198.51.100.1
