ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply wrong-id
send 192.0.2.3 tcp a.example.test. A
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
repeat 3
ask d{n} d{n}.example.test. A
send 192.0.2.3 udp d{n}.example.test. A
reply aa
  answer d{n}.example.test. 300 A 198.51.100.1
told d{n} NOERROR
  answer d{n}.example.test. 300 A 198.51.100.1
ask e{n} e{n}.example.test. A
send 192.0.2.3 udp e{n}.example.test. A
reply wrong-id
send 192.0.2.3 tcp e{n}.example.test. A
reply aa
  answer e{n}.example.test. 300 A 198.51.100.1
told e{n} NOERROR
  answer e{n}.example.test. 300 A 198.51.100.1
end
