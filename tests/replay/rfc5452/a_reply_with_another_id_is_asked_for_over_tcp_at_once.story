# §9.1, §9.2: more forgeries may be under way, so nothing more that comes to that socket is believed.
ask c1 www.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.example.test. A as q1
wait 5ms
reply aa wrong-id
  answer www.example.test. 300 A 203.0.113.66
closed q1
send 192.0.2.3 tcp www.example.test. A as q2
reply to q1 aa
  answer www.example.test. 300 A 203.0.113.66
reply to q2 aa
  answer www.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer www.example.test. 300 A 198.51.100.1
