# BIND CVE-2026-11622: types of one name stood in one list.
ask c1 a.example.test. A
refer 192.0.2.1 example.test. 192.0.2.3
send 192.0.2.3 udp a.example.test. A
reply aa
  answer a.example.test. 3600 A 198.51.100.1
told c1 NOERROR
  answer a.example.test. 3600 A 198.51.100.1
repeat 500
ask d{n} a.example.test. TYPE40{n}
send 192.0.2.3 udp a.example.test. TYPE40{n}
reply aa
  answer a.example.test. 3600 TYPE40{n} hex:00
told d{n} NOERROR
  answer a.example.test. 3600 TYPE40{n} \# 1 00
end
ask c2 a.example.test. A
told c2 NOERROR
  answer a.example.test. 3600 A 198.51.100.1
ask c3 a.example.test. TYPE400
told c3 NOERROR
  answer a.example.test. 3600 TYPE400 \# 1 00
