set case = on
repeat 3
ask c{n} www{n}.example.test. A
send 192.0.2.1 udp www{n}.example.test. A random-case
reply aa lower-case
send 192.0.2.1 tcp www{n}.example.test. A
reply aa
  answer www{n}.example.test. 300 A 198.51.100.1
told c{n} NOERROR
  answer www{n}.example.test. 300 A 198.51.100.1
end
ask d www.example.test. A
send 192.0.2.1 udp www.example.test. A
leave d
wait 900s
ask e www.example.test. A
send 192.0.2.1 udp www.example.test. A random-case
leave e
