set priming = on
ask c1 a. A
send 192.0.2.1 udp . NS as prime
send 192.0.2.1 udp a. A
leave c1
reply to prime aa
  answer . 3600 NS x.root.
ask c2 b. A
send 192.0.2.1 udp b. A
leave c2
