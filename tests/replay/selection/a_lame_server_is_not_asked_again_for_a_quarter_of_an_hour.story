ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3 192.0.2.4
send $a udp a.example.test. A
reply REFUSED
send $b udp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
repeat 20
ask d{n} d{n}.example.test. A
send $b udp d{n}.example.test. A
reply aa
  answer d{n}.example.test. 300 A 198.51.100.1
told d{n} NOERROR
  answer d{n}.example.test. 300 A 198.51.100.1
end
# When no other is left it is.
ask c2 b.example.test. A
send $b udp b.example.test. A
unreachable
send $a udp b.example.test. A
leave c2
