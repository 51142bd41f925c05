# NXDOMAIN says that the name does not exist, whatever else it carries.
ask c1 a.sub.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.sub.example.test. A
reply NXDOMAIN
  authority sub.example.test. 3600 NS ns1.sub.example.test.
  additional ns1.sub.example.test. 3600 A 203.0.113.66
told c1 SERVFAIL ede=23
