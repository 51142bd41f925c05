ask c1 www.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.example.test. A
reply aa
  answer mail.example.test. 300 A 203.0.113.66
  answer www.example.test. 300 A 198.51.100.1
  additional ftp.example.test. 300 A 203.0.113.66
told c1 NOERROR
  answer www.example.test. 300 A 198.51.100.1
ask c2 mail.example.test. A
send 192.0.2.3 udp mail.example.test. A
leave c2
ask c3 ftp.example.test. A
send 192.0.2.3 udp ftp.example.test. A
leave c3
