# §6; RFC 6303, RFC 7686, RFC 8375, RFC 9476.
set special-use = on
ask c1 localhost. A
told c1 NOERROR aa
  answer localhost. 10800 A 127.0.0.1
ask c2 www.invalid. A
told c2 NXDOMAIN aa
  authority invalid. 10800 SOA invalid. nobody.invalid. 1 3600 1200 604800 10800
ask c3 www.onion. A
told c3 NXDOMAIN aa
  authority onion. 10800 SOA onion. nobody.invalid. 1 3600 1200 604800 10800
ask c4 1.1.168.192.in-addr.arpa. PTR
told c4 NXDOMAIN aa
  authority 168.192.in-addr.arpa. 10800 SOA 168.192.in-addr.arpa. nobody.invalid. 1 3600 1200 604800 10800
ask c5 a.home.arpa. A
told c5 NXDOMAIN aa
  authority home.arpa. 10800 SOA home.arpa. nobody.invalid. 1 3600 1200 604800 10800
ask c6 a.alt. A
told c6 NXDOMAIN aa
  authority alt. 10800 SOA alt. nobody.invalid. 1 3600 1200 604800 10800
