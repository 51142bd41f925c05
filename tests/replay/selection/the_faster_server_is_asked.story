ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3 192.0.2.4
send $slow udp a.example.test. A as q1
wait 376ms
send $fast udp a.example.test. A as q2
wait 20ms
reply to q1 aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
reply to q2 aa
  answer a.example.test. 300 A 198.51.100.1
ask c2 b.example.test. A
send $fast udp b.example.test. A
# And twice, before the other is once: one lost packet says little.
wait 60ms
send $fast udp b.example.test. A again
leave c2
