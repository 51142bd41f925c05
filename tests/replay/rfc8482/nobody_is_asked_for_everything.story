# §4.2.
ask c1 a.example.test. ANY
told c1 NOERROR
  answer a.example.test. 3600 HINFO "RFC8482" ""
