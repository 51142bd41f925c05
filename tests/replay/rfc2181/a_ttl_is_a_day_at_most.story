ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 2147483647 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 86400 A 198.51.100.1
wait 86399s
ask c2 a.example.test. A
told c2 NOERROR
  answer a.example.test. 1 A 198.51.100.1
# And the last of it is in the last tenth of its time: it is looked up before it is missed.
send 192.0.2.1 udp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
