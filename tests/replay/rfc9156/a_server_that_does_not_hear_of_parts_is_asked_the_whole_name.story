# As Unbound does; one lost packet tells nobody more.
set minimise = relaxed
ask c1 a.b.example.test. TXT
refer 192.0.2.1 test. 192.0.2.2
refer 192.0.2.2 example.test. 192.0.2.3
send 192.0.2.3 udp b.example.test. A
wait 376ms
send 192.0.2.3 udp b.example.test. A again
wait 752ms
send 192.0.2.3 tcp a.b.example.test. TXT
wait 20ms
reply aa
  answer a.b.example.test. 300 TXT "hello"
told c1 NOERROR
  answer a.b.example.test. 300 TXT "hello"
