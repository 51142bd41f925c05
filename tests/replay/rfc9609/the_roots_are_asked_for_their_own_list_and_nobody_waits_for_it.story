# §3.
set priming = on
ask c1 a. A
send 192.0.2.1 udp . NS as prime
send 192.0.2.1 udp a. A
reply aa
  answer a. 300 A 198.51.100.1
told c1 NOERROR
  answer a. 300 A 198.51.100.1
reply to prime aa
  answer . 3600 NS x.root.
  additional x.root. 3600 A 192.0.2.9
ask c2 b. A
send 192.0.2.9 udp b. A
leave c2
# It holds for as long as it says.
wait 3599s
ask c3 c. A
send 192.0.2.9 udp c. A
leave c3
# Then it is asked for anew, and the hints serve meanwhile.
wait 1s
ask c4 d. A
send 192.0.2.1 udp . NS as again
send 192.0.2.1 udp d. A
leave c4
reply to again aa
  answer . 3600 NS x.root.
  additional x.root. 3600 A 192.0.2.9
