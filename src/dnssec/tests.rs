use super::*;
use crate::rrset::{Rrset, parse_rdata};
use crate::wire::{Name, OwnedName, Rtype};

fn name(text: &str) -> OwnedName {
    text.parse().unwrap()
}

fn rdata(rtype: Rtype, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    parse_rdata(rtype, text, Name::ROOT, &mut out).unwrap();
    out
}

#[test]
fn a_name_is_hashed_as_in_rfc_5155() {
    // RFC 5155 appendix A.
    let param = rdata(Rtype::NSEC3PARAM, "1 0 12 aabbccdd");
    let (param, flags, rest) = Nsec3Param::read(&param).unwrap();
    assert_eq!((flags, rest), (0, &[][..]));
    for (owner, label) in [
        ("example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
        ("a.example", "35mthgpgcu1qg68fab165klnsnk3dpvl"),
        ("Ns1.EXAMPLE", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"),
        ("*.w.example", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"),
        ("x.y.w.example", "2vptu5timamqttgl4luu9kg21e0aor3s"),
    ] {
        let hash = param.hash(name(owner).as_name());
        assert_eq!(std::str::from_utf8(&Nsec3::label(&hash)).unwrap(), label);
        let owner = Nsec3::owner(&hash, name("example").as_name()).unwrap();
        assert_eq!(Nsec3::own_hash(owner.as_name()), Some(hash));
    }
    assert_eq!(Nsec3::own_hash(name("short.example").as_name()), None);
    assert_eq!(Nsec3::own_hash(name("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz.example").as_name()), None);
}

#[test]
fn a_key_has_the_tag_and_the_digest_of_the_root_s_anchors() {
    // The root's key of 2017 and its DS (IANA).
    let key = rdata(
        Rtype::DNSKEY,
        "257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQ\
         lNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls\
         3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8\
         subX2Nn6UwNR1AkUTV74bU=",
    );
    let key = Key::read(&key).unwrap();
    assert_eq!((key.tag(), key.may_sign()), (20326, true));
    let ds = "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
    let ds = rdata(Rtype::DS, ds);
    assert!(Ds::read(&ds).unwrap().matches(Name::ROOT, &key));
    assert!(!Ds::read(&ds).unwrap().matches(name("example").as_name(), &key));
}

#[test]
fn a_key_that_is_revoked_or_not_for_zones_may_not_sign() {
    for (flags, protocol, may) in
        [(256, 3, true), (257, 3, true), (385, 3, false), (1, 3, false), (0, 3, false), (256, 2, false)]
    {
        let key = rdata(Rtype::DNSKEY, &format!("{flags} {protocol} 13 AAAA"));
        assert_eq!(Key::read(&key).unwrap().may_sign(), may, "{flags} {protocol}");
    }
}

#[test]
fn a_signature_of_rfc_8080_holds_and_one_bit_off_does_not() {
    // RFC 8080 §6.1, Ed25519.
    let key = rdata(Rtype::DNSKEY, "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=");
    let key = Key::read(&key).unwrap();
    let sig = rdata(
        Rtype::RRSIG,
        "MX 15 2 3600 1440021600 1438207200 3613 example.com. oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QL\
         s3fx8A4M3e23mRZ9VrbpMngwcrqNAg==",
    );
    let sig = Rrsig::read(&sig).unwrap();
    assert_eq!(key.tag(), sig.tag);
    let check = |owner: &str, mx: &[&str]| {
        let owner = name(owner);
        let mut set = Rrset::new(owner.as_name(), Rtype::MX, 3600);
        mx.iter().for_each(|mx| set.push(&rdata(Rtype::MX, mx)));
        let mut data = SignedData::default();
        let signed = data.of(owner.as_name(), Rtype::MX, set.rdatas(), &sig).unwrap();
        verify(&key, signed, sig.signature)
    };
    assert_eq!(check("example.com.", &["10 mail.example.com."]), Ok(()));
    assert_eq!(check("EXAMPLE.com.", &["10 MAIL.example.com."]), Ok(()));
    assert_eq!(check("example.com.", &["10 mail.example.com.", "10 Mail.Example.com."]), Ok(()));
    assert_eq!(check("example.com.", &["11 mail.example.com."]), Err(Fault::Mismatch));
    assert_eq!(check("example.net.", &["10 mail.example.com."]), Err(Fault::Mismatch));
}

#[test]
fn keys_that_are_not_of_their_algorithm_are_told_apart_from_bad_signatures() {
    for (algorithm, public, fault) in [
        (5, "AwEAAag=", Fault::Unsupported),
        (16, "AAAA", Fault::Unsupported),
        (13, "AAAA", Fault::MalformedKey),
        (15, "AAAA", Fault::MalformedKey),
        (8, "AwEAAag=", Fault::Unsupported),
        (8, "AA==", Fault::MalformedKey),
        (8, "/wE=", Fault::MalformedKey),
    ] {
        let key = rdata(Rtype::DNSKEY, &format!("256 3 {algorithm} {public}"));
        assert_eq!(
            verify(&Key::read(&key).unwrap(), b"octets", &[7; 64]),
            Err(fault),
            "{algorithm} {public}"
        );
    }
}

#[test]
fn an_nsec_covers_what_lies_between() {
    let nsec = |next: &str| rdata(Rtype::NSEC, &format!("{next} A RRSIG NSEC"));
    for (owner, next, covered, not) in [
        (
            "a.example.",
            "d.example.",
            vec!["b.example.", "x.a.example.", "c.example."],
            vec!["a.example.", "d.example.", "example."],
        ),
        ("d.example.", "example.", vec!["e.example.", "z.z.example."], vec!["d.example.", "a.example."]),
        ("example.", "example.", vec!["a.example."], vec!["example."]),
    ] {
        let (owner, rdata) = (name(owner), nsec(next));
        let nsec = Nsec::read(&rdata).unwrap();
        for text in covered {
            assert!(nsec.covers(owner.as_name(), name(text).as_name()), "{owner} {text}");
        }
        for text in not {
            assert!(!nsec.covers(owner.as_name(), name(text).as_name()), "{owner} {text}");
        }
    }
}

#[test]
fn an_nsec3_covers_what_lies_between() {
    let hash = |first| {
        let mut hash = [0; 20];
        hash[0] = first;
        hash
    };
    let (param, types) = (Nsec3Param { iterations: 0, salt: &[] }, TypeBitmap(&[]));
    for (own, next, covered, not) in [
        (2, 5, vec![3, 4], vec![2, 5, 1, 6]),
        (5, 2, vec![6, 0, 1], vec![5, 2, 3]),
        (5, 5, vec![4, 6], vec![5]),
    ] {
        let nsec3 = Nsec3 { param, opt_out: false, next: hash(next), types };
        assert!(covered.iter().all(|&h| nsec3.covers(&hash(own), &hash(h))), "{own} {next}");
        assert!(!not.iter().any(|&h| nsec3.covers(&hash(own), &hash(h))), "{own} {next}");
    }
}

#[test]
fn a_bitmap_has_what_its_text_says() {
    let nsec = rdata(Rtype::NSEC, "a. A MX NSEC TYPE1234");
    let types = Nsec::read(&nsec).unwrap().types;
    for (rtype, has) in
        [(1, true), (15, true), (47, true), (1234, true), (2, false), (1235, false), (65535, false)]
    {
        assert_eq!(types.has(Rtype(rtype)), has, "{rtype}");
    }
}
