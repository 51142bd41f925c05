# Some servers do not set AA when an alias leads out of their zone.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply
  answer a.example.test. 300 CNAME www.other.test.
send 192.0.2.1 udp www.other.test. A
leave c1
