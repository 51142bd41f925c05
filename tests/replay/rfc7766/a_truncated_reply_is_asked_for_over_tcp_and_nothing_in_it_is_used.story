# RFC 2181 §9.
ask c1 www.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp www.example.test. A
reply aa tc
  answer www.example.test. 300 A 203.0.113.66
send 192.0.2.3 tcp www.example.test. A
wait 40ms
reply aa
  answer www.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer www.example.test. 300 A 198.51.100.1
# The next question goes by datagram again.
ask c2 a.example.test. A
send 192.0.2.3 udp a.example.test. A
leave c2
