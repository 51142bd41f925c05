ask c1 www.example.test. A
send 192.0.2.1 udp www.example.test. A
wait 20ms
reply
  authority test. 3600 NS ns.nic.test.
  additional ns.nic.test. 3600 A 192.0.2.2
send 192.0.2.2 udp www.example.test. A
reply
  authority example.test. 3600 NS ns1.example.test.
  additional ns1.example.test. 3600 A 192.0.2.3
send 192.0.2.3 udp www.example.test. A
wait 30ms
reply aa
  answer www.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer www.example.test. 300 A 198.51.100.1
# It is kept, and what is left of its time is told; the case is the client's.
wait 100s
ask c2 WWW.example.test. A
told c2 NOERROR
  answer WWW.example.test. 200 A 198.51.100.1
# What was learnt of the zone is kept too.
ask c3 mail.example.test. MX
send 192.0.2.3 udp mail.example.test. MX
leave c3
