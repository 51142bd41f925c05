# §4: TTL 30; §5: the client response timer.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
wait 100ms
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
wait 300s
ask c2 a.example.test. A
send 192.0.2.3 udp a.example.test. A
wait 300ms
send 192.0.2.3 udp a.example.test. A again
wait 600ms
send 192.0.2.3 tcp a.example.test. A
wait 900ms
told c2 NOERROR ede=3
  text its time has run out, and nothing newer could be had in time
  answer a.example.test. 30 A 198.51.100.1
# The question goes on; when it has failed, who asks is told at once, and nobody is asked for 5 s.
wait 2.1s
ask c3 a.example.test. A
told c3 NOERROR ede=3
  answer a.example.test. 30 A 198.51.100.1
wait 4.5s
ask c4 a.example.test. A
told c4 NOERROR ede=3
  answer a.example.test. 30 A 198.51.100.1
wait 500ms
ask c5 a.example.test. A
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.2
told c5 NOERROR
  answer a.example.test. 300 A 198.51.100.2
