ask c1 www.example.test. A no-rd
told c1 REFUSED ede=20
  text no zone here holds this name, and recursion was not asked for
