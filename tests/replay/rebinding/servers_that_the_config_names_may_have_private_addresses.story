set rebinding = on
stub corp.test. 192.0.2.50
ask c1 a.corp.test. A
send 192.0.2.50 udp a.corp.test. A
reply aa
  answer a.corp.test. 300 A 192.168.1.1
told c1 NOERROR
  answer a.corp.test. 300 A 192.168.1.1
