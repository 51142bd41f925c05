ask c1 n0.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
repeat 2
send 192.0.2.3 udp n{n}.example.test. A
reply aa tc
send 192.0.2.3 tcp n{n}.example.test. A
wait 2.9s
reply aa
  answer n{n}.example.test. 300 CNAME n{n+1}.example.test.
end
send 192.0.2.3 udp n2.example.test. A
reply aa tc
send 192.0.2.3 tcp n2.example.test. A
wait 2.2s
told c1 SERVFAIL ede=22
  text it took longer than it may
