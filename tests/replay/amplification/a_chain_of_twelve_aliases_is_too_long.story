ask c1 n0.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
repeat 12
send 192.0.2.3 udp n{n}.example.test. A
reply aa
  answer n{n}.example.test. 300 CNAME n{n+1}.example.test.
end
told c1 SERVFAIL ede=0
  text the chain of aliases is too long
