# §5.
ask c1 a.example.test. MX
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. MX
reply aa
  answer a.example.test. 300 MX 10 mail.example.test.
  answer a.example.test. 300 MX 10 MAIL.example.test.
  answer A.example.test. 300 MX 10 mail.example.test.
told c1 NOERROR
  answer a.example.test. 300 MX 10 mail.example.test.
