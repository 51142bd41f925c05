forward . 192.0.2.50 192.0.2.51
ask c1 a.test. A
send $a udp a.test. A rd
wait 100ms
reply SERVFAIL
send $b udp a.test. A rd
wait 100ms
reply ra
  answer a.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.test. 300 A 198.51.100.1
# 100 ms and twice its variation.
ask c2 b.test. A
send any udp b.test. A rd as q1
wait 200ms
send any udp b.test. A rd as q2
wait 10ms
reply to q1 ra
  answer b.test. 300 A 198.51.100.1
told c2 NOERROR
  answer b.test. 300 A 198.51.100.1
