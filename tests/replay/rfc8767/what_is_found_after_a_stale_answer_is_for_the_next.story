ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
wait 200ms
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
wait 300s
ask c2 a.example.test. A
send 192.0.2.3 udp a.example.test. A as q1
wait 600ms
send 192.0.2.3 udp a.example.test. A again
wait 1200ms
told c2 NOERROR ede=3
  answer a.example.test. 30 A 198.51.100.1
send 192.0.2.3 tcp a.example.test. A
wait 100ms
reply to q1 aa
  answer a.example.test. 300 A 198.51.100.2
ask c3 a.example.test. A
told c3 NOERROR
  answer a.example.test. 300 A 198.51.100.2
