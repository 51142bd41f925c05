ask c1 www.example.test. CNAME
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.example.test. CNAME
reply aa
  answer www.example.test. 300 CNAME web.other.test.
told c1 NOERROR
  answer www.example.test. 300 CNAME web.other.test.
