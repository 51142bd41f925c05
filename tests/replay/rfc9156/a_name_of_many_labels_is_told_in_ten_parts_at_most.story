# §2.3: MAX_MINIMISE_COUNT 10, MINIMISE_ONE_LAB 4. Thirty-four labels.
set minimise = relaxed
ask c1 1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.ip6.arpa. PTR
refer 192.0.2.1 arpa. 192.0.2.2
refer 192.0.2.2 ip6.arpa. 192.0.2.3
send 192.0.2.3 udp 1.ip6.arpa. A
reply aa
  authority ip6.arpa. 300 SOA a. b. 1 2 3 4 300
send 192.0.2.3 udp 1.1.ip6.arpa. A
reply aa
  authority ip6.arpa. 300 SOA a. b. 1 2 3 4 300
send 192.0.2.3 udp 1.1.1.1.1.1.1.ip6.arpa. A
reply aa
  authority ip6.arpa. 300 SOA a. b. 1 2 3 4 300
send 192.0.2.3 udp 1.1.1.1.1.1.1.1.1.1.1.1.ip6.arpa. A
reply aa
  authority ip6.arpa. 300 SOA a. b. 1 2 3 4 300
send 192.0.2.3 udp 1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.ip6.arpa. A
reply aa
  authority ip6.arpa. 300 SOA a. b. 1 2 3 4 300
send 192.0.2.3 udp 1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.ip6.arpa. A
reply aa
  authority ip6.arpa. 300 SOA a. b. 1 2 3 4 300
send 192.0.2.3 udp 1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.ip6.arpa. A
reply aa
  authority ip6.arpa. 300 SOA a. b. 1 2 3 4 300
send 192.0.2.3 udp 1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.ip6.arpa. PTR
leave c1
