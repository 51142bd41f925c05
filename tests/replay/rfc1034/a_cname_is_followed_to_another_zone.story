# §3.6.2, §4.3.2 step 3a.
ask c1 www.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.example.test. A
reply aa
  answer www.example.test. 300 CNAME web.other.test.
send 192.0.2.1 udp web.other.test. A
reply aa
  answer web.other.test. 60 A 198.51.100.2
told c1 NOERROR
  answer www.example.test. 300 CNAME web.other.test.
  answer web.other.test. 60 A 198.51.100.2
# After a minute only the end of the chain is asked for.
wait 60s
ask c2 www.example.test. A
send 192.0.2.1 udp web.other.test. A
reply aa
  answer web.other.test. 60 A 198.51.100.3
told c2 NOERROR
  answer www.example.test. 240 CNAME web.other.test.
  answer web.other.test. 60 A 198.51.100.3
