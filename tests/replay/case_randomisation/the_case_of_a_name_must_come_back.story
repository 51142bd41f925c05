# draft-vixie-dnsext-dns0x20-00. The client has its own.
set case = on
ask c1 www.example.test. A
send 192.0.2.1 udp www.example.test. A random-case
reply aa
  answer www.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer www.example.test. 300 A 198.51.100.1
