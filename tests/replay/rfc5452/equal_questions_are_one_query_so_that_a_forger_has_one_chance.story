# §5, VU#457875 (birthday attacks); CVE-2025-5994, -30192.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
repeat 20
ask d{n} A.EXAMPLE.test. A
end
reply aa
  answer a.example.test. 300 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 300 A 198.51.100.1
repeat 20
told d{n} NOERROR
  answer A.EXAMPLE.test. 300 A 198.51.100.1
end
