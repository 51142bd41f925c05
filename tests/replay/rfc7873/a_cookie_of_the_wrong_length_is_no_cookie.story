# §4.2: the server's part has 8 to 32 octets.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A cookie=fresh
reply aa cookie=01020304
  answer a.example.test. 300 A 203.0.113.66
send 192.0.2.3 tcp a.example.test. A cookie=fresh
leave c1
