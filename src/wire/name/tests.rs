use super::*;

fn name(text: &str) -> NameBuf {
    text.parse().unwrap()
}

#[test]
fn presentation_form_survives_a_round_trip() {
    for text in [".", "example.", "www.example.", r"a\.b.c\\.", r"\000\255x.y.", "*.a."] {
        assert_eq!(name(text).as_name().to_string(), text);
    }
}

#[test]
fn bad_text_says_why() {
    let long = "a".repeat(64);
    let many = "a.".repeat(128);
    for (text, why) in [
        ("", NameError::Empty),
        ("a..b", NameError::EmptyLabel),
        (".a", NameError::EmptyLabel),
        (&long, NameError::LabelTooLong),
        (&many, NameError::NameTooLong),
        (r"a\25", NameError::BadEscape),
        (r"a\256", NameError::BadEscape),
        ("a\\", NameError::BadEscape),
    ] {
        assert_eq!(text.parse::<NameBuf>(), Err(why), "{text}");
    }
    assert_eq!("a.".repeat(127).parse::<NameBuf>().unwrap().as_name().len(), 255);
}

#[test]
fn relative_text_ends_in_the_origin() {
    let origin = name("example.com.");
    for (text, full) in
        [("www", "www.example.com."), ("@", "example.com."), ("www.", "www."), ("a.b", "a.b.example.com.")]
    {
        assert_eq!(NameBuf::from_text(text, origin.as_name()).unwrap(), name(full));
    }
}

#[test]
fn a_suffix_counts_only_at_a_label() {
    let check = |a: &str, b: &str, within| {
        assert_eq!(name(a).as_name().is_within(name(b).as_name()), within, "{a} {b}")
    };
    check("www.Example.com.", "eXample.com.", true);
    check("example.com.", "example.com.", true);
    check("badexample.com.", "example.com.", false);
    check("com.", "example.com.", false);
    check("com.", ".", true);
    // The bytes of the label end in the wire form of `b.`.
    check(r"a\001b.", "b.", false);
}

#[test]
fn order_is_canonical() {
    // RFC 4034 §6.1, its own example.
    let sorted = [
        "example.",
        "a.example.",
        "yljkjljk.a.example.",
        "Z.a.example.",
        "zABC.a.EXAMPLE.",
        "z.example.",
        r"\001.z.example.",
        "*.z.example.",
        r"\200.z.example.",
    ];
    for (i, a) in sorted.iter().enumerate() {
        for (j, b) in sorted.iter().enumerate() {
            assert_eq!(name(a).as_name().cmp(&name(b).as_name()), i.cmp(&j), "{a} {b}");
        }
    }
}

#[test]
fn a_chain_of_pointers_is_followed_for_a_while_only() {
    // A name of nothing, then pointers, each to the one before.
    let mut message = vec![1, b'a', 0];
    for i in 0..200usize {
        let target = if i == 0 { 0 } else { 3 + 2 * (i - 1) };
        message.extend([0xc0 | (target >> 8) as u8, target as u8]);
    }
    for (pointers, ok) in [(1, true), (127, true), (128, false), (200, false)] {
        assert_eq!(NameBuf::decompress(&message, 3 + 2 * (pointers - 1)).is_ok(), ok, "{pointers}");
    }
}

#[test]
fn compression_loops_are_malformed() {
    assert_eq!(NameBuf::decompress(&[0xc0, 0], 0), Err(Malformed));
    assert_eq!(NameBuf::decompress(&[1, b'a', 0xc0, 0], 0), Err(Malformed));
    let (n, end) = NameBuf::decompress(&[1, b'a', 0, 1, b'b', 0xc0, 0, 9], 3).unwrap();
    assert_eq!((n, end), (name("b.a."), 7));
}
