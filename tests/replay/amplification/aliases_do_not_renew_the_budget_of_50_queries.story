# Unbound CVE-2026-50045. Five links of ten queries each; the fifty-first is not sent.
ask c1 9.8.7.6.5.4.3.2.1.z0. A
repeat 5
refer 192.0.2.1 z{n}. 192.0.2.1
refer 192.0.2.1 1.z{n}. 192.0.2.1
refer 192.0.2.1 2.1.z{n}. 192.0.2.1
refer 192.0.2.1 3.2.1.z{n}. 192.0.2.1
refer 192.0.2.1 4.3.2.1.z{n}. 192.0.2.1
refer 192.0.2.1 5.4.3.2.1.z{n}. 192.0.2.1
refer 192.0.2.1 6.5.4.3.2.1.z{n}. 192.0.2.1
refer 192.0.2.1 7.6.5.4.3.2.1.z{n}. 192.0.2.1
refer 192.0.2.1 8.7.6.5.4.3.2.1.z{n}. 192.0.2.1
send 192.0.2.1 udp 9.8.7.6.5.4.3.2.1.z{n}. A
reply aa
  answer 9.8.7.6.5.4.3.2.1.z{n}. 300 CNAME 9.8.7.6.5.4.3.2.1.z{n+1}.
end
told c1 SERVFAIL ede=22
  text it needs more upstream queries than one question may cause
