# §5.3.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A cookie=fresh
reply BADCOOKIE cookie=0102030405060708
send 192.0.2.3 udp a.example.test. A cookie=0102030405060708
reply BADCOOKIE cookie=1112131415161718
send 192.0.2.3 tcp a.example.test. A cookie=1112131415161718
reply BADCOOKIE cookie=2122232425262728
told c1 SERVFAIL ede=23
