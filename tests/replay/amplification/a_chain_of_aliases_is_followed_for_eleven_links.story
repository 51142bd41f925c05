ask c1 n0.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
repeat 11
send 192.0.2.3 udp n{n}.example.test. A
reply aa
  answer n{n}.example.test. 300 CNAME n{n+1}.example.test.
end
send 192.0.2.3 udp n11.example.test. A
reply aa
  answer n11.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer n0.example.test. 300 CNAME n1.example.test.
  answer n1.example.test. 300 CNAME n2.example.test.
  answer n2.example.test. 300 CNAME n3.example.test.
  answer n3.example.test. 300 CNAME n4.example.test.
  answer n4.example.test. 300 CNAME n5.example.test.
  answer n5.example.test. 300 CNAME n6.example.test.
  answer n6.example.test. 300 CNAME n7.example.test.
  answer n7.example.test. 300 CNAME n8.example.test.
  answer n8.example.test. 300 CNAME n9.example.test.
  answer n9.example.test. 300 CNAME n10.example.test.
  answer n10.example.test. 300 CNAME n11.example.test.
  answer n11.example.test. 300 A 198.51.100.1
