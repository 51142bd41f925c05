# The stage asserts the size and that DO is not set.
ask c1 www.example.test. A
send 192.0.2.1 udp www.example.test. A cookie=fresh
leave c1
