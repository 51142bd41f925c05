# §3.4: the CNAME beside it is unsigned, and need not be true.
ask c1 www.old.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.old.example.test. A
reply aa
  answer old.example.test. 300 DNAME new.example.test.
  answer www.old.example.test. 0 CNAME www.evil.example.test.
  answer www.evil.example.test. 300 A 203.0.113.66
  answer www.new.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer old.example.test. 300 DNAME new.example.test.
  answer www.old.example.test. 300 CNAME www.new.example.test.
  answer www.new.example.test. 300 A 198.51.100.1
