ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
wait 10ms
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
ask early early.example.test. A
send 192.0.2.3 udp early.example.test. A as early
wait 10ms
repeat 3
ask d{n} d{n}.example.test. A
send 192.0.2.3 udp d{n}.example.test. A
reply wrong-id
send 192.0.2.3 tcp d{n}.example.test. A
reply aa
  answer d{n}.example.test. 300 A 198.51.100.1
told d{n} NOERROR
  answer d{n}.example.test. 300 A 198.51.100.1
end
reply to early aa
  answer early.example.test. 300 A 198.51.100.1
told early NOERROR
  answer early.example.test. 300 A 198.51.100.1
ask c2 b.example.test. A
send 192.0.2.3 tcp b.example.test. A
leave c2
