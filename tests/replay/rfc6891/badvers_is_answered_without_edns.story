# §6.1.3: its upper bits stand in the OPT record; the lower ones are those of NOERROR.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply BADVERS
send 192.0.2.3 udp a.example.test. A no-edns
leave c1
