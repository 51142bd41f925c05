ask c1 a.example.test. A
send 192.0.2.1 udp a.example.test. A
reply
  authority example.test. 3600 NS ns1.example.test.
  40 additional ns1.example.test. 3600 A 198.51.100.{i}
repeat 8
send any udp a.example.test. A
reply REFUSED
end
told c1 SERVFAIL ede=23
