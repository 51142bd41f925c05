# It does not recurse, so what it says is no denial.
forward . 192.0.2.50 192.0.2.51
ask c1 a.example.test. A
send $a udp a.example.test. A rd
reply
  authority example.test. 3600 NS ns.example.test.
  additional ns.example.test. 3600 A 203.0.113.66
send $b udp a.example.test. A rd
reply ra
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
