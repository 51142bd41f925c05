# §5.3.3 step 2: addresses of the best servers to ask.
ask c1 www.example.test. A
send 192.0.2.1 udp www.example.test. A
reply
  authority example.test. 3600 NS ns.host.org.
send 192.0.2.1 udp ns.host.org. A
reply
  authority host.org. 3600 NS ns.host.org.
  additional ns.host.org. 3600 A 192.0.2.5
send 192.0.2.5 udp ns.host.org. A
reply aa
  answer ns.host.org. 3600 A 192.0.2.3
send 192.0.2.3 udp www.example.test. A
reply aa
  answer www.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer www.example.test. 300 A 198.51.100.1
