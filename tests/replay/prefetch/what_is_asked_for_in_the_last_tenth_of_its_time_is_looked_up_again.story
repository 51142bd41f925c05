ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
wait 269s
ask c2 a.example.test. A
told c2 NOERROR
  answer a.example.test. 31 A 198.51.100.1
wait 1s
ask c3 a.example.test. A
told c3 NOERROR
  answer a.example.test. 30 A 198.51.100.1
send 192.0.2.3 udp a.example.test. A as q1
# While that is under way it is not done again.
ask c4 a.example.test. A
told c4 NOERROR
  answer a.example.test. 30 A 198.51.100.1
reply to q1 aa
  answer a.example.test. 300 A 198.51.100.2
ask c5 a.example.test. A
told c5 NOERROR
  answer a.example.test. 300 A 198.51.100.2
