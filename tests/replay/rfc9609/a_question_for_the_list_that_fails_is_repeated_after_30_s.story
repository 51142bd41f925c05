set priming = on
ask c1 a. A
send 192.0.2.1 udp . NS as prime
send 192.0.2.1 udp a. A
leave c1
reply to prime REFUSED
wait 29.9s
ask c2 b. A
send 192.0.2.1 udp b. A
leave c2
wait 100ms
ask c3 c. A
send 192.0.2.1 udp . NS as again
send 192.0.2.1 udp c. A
leave c3
reply to again aa
  answer . 3600 NS x.root.
  additional x.root. 3600 A 192.0.2.9
