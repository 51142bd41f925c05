# NRDelegationAttack: CVE-2022-3204.
ask c1 a.example.test. A
send 192.0.2.1 udp a.example.test. A
reply
  100 authority example.test. 3600 NS ns{i}.example.test.
  100 additional ns{i}.example.test. 3600 A 198.51.100.{i}
send any udp a.example.test. A
repeat 12
wait 376ms
send any udp a.example.test. A
end
wait 376ms
send any udp a.example.test. A perhaps-again
repeat 2
wait 752ms
send any udp a.example.test. A perhaps-again
end
wait 752ms
told c1 SERVFAIL ede=22
# And nothing when it is asked again, for its servers are known and so is the failure.
ask c2 a.example.test. A
told c2 SERVFAIL ede=22
