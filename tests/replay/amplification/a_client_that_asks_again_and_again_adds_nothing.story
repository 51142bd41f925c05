ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
repeat 100
ask d{n} a.example.test. A
leave d{n}
end
wait 376ms
send 192.0.2.3 udp a.example.test. A again
leave c1
