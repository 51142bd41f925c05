//! What all tests of anchors share, and those of looking them up.

#[cfg(test)]
mod file;
#[cfg(test)]
mod rollover;
#[cfg(test)]
mod trust;

use super::*;

/// The root's keys, as `dig . DNSKEY` writes them.
const ROOT_KEYS: &str = "\
. 172800 IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=
. IN DNSKEY 257 3 8 AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeHspaQWOmOElZsjICMQMC3aeHbGiShvZsx4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/dL/q8PkcRU5oUKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4YeGyxMvHmbrxlFzGOHOijtzN+u1TQNatX2XBuzZNQ1K+s2CXkPIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayffKC73PYc= ; keytag 38696
";

fn name(text: &str) -> OwnedName {
    text.parse().unwrap()
}

fn rdata(rtype: Rtype, text: &str) -> Rdata {
    let mut out = Vec::new();
    parse_rdata(rtype, text, Name::ROOT, &mut out).unwrap();
    out.into()
}

/// An anchor with one key, which is its number.
fn anchor(zone: &str, number: u8) -> Anchor {
    Anchor { zone: name(zone), ds: Vec::new(), keys: vec![key(number)] }
}

/// A key that is an entry point.
fn key(number: u8) -> Rdata {
    Box::new([1, 1, 3, 13, number])
}

/// Its digest.
fn ds(number: u8) -> Rdata {
    [vec![0, number, 13, 2], vec![number; 32]].concat().into()
}

/// What tells that one is the other's.
fn is_digest(ds: &[u8], key: &[u8]) -> bool {
    ds[4] == key[4] && key.starts_with(&[1, 1, 3])
}

fn negative(at: &str, until: Option<u64>) -> Negative {
    Negative { name: name(at), until, why: "broken".into(), configured: until.is_none() }
}

#[test]
fn the_tags_of_the_built_in_anchors_are_those_of_the_roots_keys() {
    let (keys, problems) = Anchors::parse(ROOT_KEYS, "root.key");
    assert_eq!(problems, []);
    let tags: Vec<u16> = keys.get(Name::ROOT).unwrap().tags().collect();
    assert_eq!(tags, [20326, 38696]);
    let builtin = Anchors::builtin();
    let ds = &builtin.get(Name::ROOT).unwrap().ds;
    let of_ds: Vec<u16> = builtin.get(Name::ROOT).unwrap().tags().collect();
    assert_eq!((of_ds, builtin.iter().count()), (tags, 1));
    assert!(ds.iter().all(|ds| ds[2..4] == [8, 2] && ds.len() == 4 + 32));
}

#[test]
fn the_tag_of_a_key_is_what_another_implementation_makes_it() {
    for text in ["257 3 8 AwEAAa96jeuknZla", "385 3 13 AwEAAa96jeuk", "256 3 15 /////////w=="] {
        let data = rdata(Rtype::DNSKEY, text);
        let public: Vec<u8> = data[4..].to_vec();
        let flags = u16::from_be_bytes([data[0], data[1]]);
        let other = domain::rdata::Dnskey::new(flags, data[2], data[3].into(), public).unwrap();
        assert_eq!(key_tag(&data), other.key_tag(), "{text}");
    }
}

#[test]
fn the_closest_anchor_decides_and_of_two_at_one_name_the_negative_one() {
    let anchors = Anchors::new(
        vec![anchor(".", 1), anchor("a.example.", 2), anchor("x.neg.example.", 3), anchor("both.", 4)],
        vec![negative("neg.example.", None), negative("both.", Some(100)), negative("neg.other.", Some(100))],
        "test",
    );
    let shown = |at: &str, now: u64| match anchors.cover(name(at).as_name(), now) {
        Cover::Nothing => "nothing".to_owned(),
        Cover::Negative(negative) => format!("not {}", negative.name),
        Cover::Anchor(anchor) => anchor.zone.to_string(),
    };
    for (at, now, decides) in [
        (".", 0, "."),
        ("example.", 0, "."),
        ("b.example.", 0, "."),
        ("a.example.", 0, "a.example."),
        ("w.w.A.Example.", 0, "a.example."),
        ("xa.example.", 0, "."),
        ("neg.example.", 0, "not neg.example."),
        ("w.neg.example.", 0, "not neg.example."),
        ("x.neg.example.", 0, "x.neg.example."),
        ("w.x.neg.example.", 0, "x.neg.example."),
        ("z.neg.example.", 0, "not neg.example."),
        ("both.", 99, "not both."),
        ("w.both.", 99, "not both."),
        ("w.both.", 100, "both."),
        ("w.neg.other.", 99, "not neg.other."),
        ("w.neg.other.", 100, "."),
        ("zz.", 0, "."),
    ] {
        assert_eq!(shown(at, now), decides, "{at} at {now}");
    }
    let island = Anchors::new(vec![anchor("b.example.", 1)], vec![], "test");
    let covered = |at: &str| island.cover(name(at).as_name(), 0) != Cover::Nothing;
    assert_eq!(
        ["a.example.", "b.example.", "w.b.example.", "c.example.", "example."].map(covered),
        [false, true, true, false, false]
    );
    assert!(island.validates() && !Anchors::none().validates());
    assert_eq!(Anchors::none().cover(name("a.").as_name(), 0), Cover::Nothing);
}

#[test]
fn an_anchor_without_keys_is_none() {
    let empty = Anchor { zone: name("a."), ds: vec![], keys: vec![] };
    assert_eq!(Anchors::new(vec![empty], vec![], "test").cover(name("a.").as_name(), 0), Cover::Nothing);
}

proptest::proptest! {
    #[test]
    fn what_decides_is_what_a_look_at_every_anchor_finds(
        positive in proptest::collection::vec("([ab]\\.){0,4}", 0..8),
        negatives in proptest::collection::vec("([ab]\\.){0,4}", 0..8),
        asked in "([ab]\\.){0,5}",
    ) {
        let or_root = |text: &String| if text.is_empty() { ".".to_owned() } else { text.clone() };
        let (positive, negatives): (Vec<String>, Vec<String>) =
            (positive.iter().map(or_root).collect(), negatives.iter().map(or_root).collect());
        let asked = name(&or_root(&asked));
        let anchors = Anchors::new(
            positive.iter().map(|zone| anchor(zone, 1)).collect(),
            negatives.iter().map(|at| negative(at, None)).collect(),
            "test",
        );
        let closest = |names: &[String]| {
            let around = names.iter().map(|at| name(at)).filter(|at| asked.as_name().is_within(at.as_name()));
            around.map(|at| at.as_name().label_count()).max()
        };
        let (with, without) = (closest(&positive), closest(&negatives));
        match anchors.cover(asked.as_name(), 0) {
            Cover::Nothing => proptest::prop_assert!(with.is_none() && without.is_none()),
            Cover::Negative(found) => proptest::prop_assert!(
                without == Some(found.name.as_name().label_count()) && without >= with
            ),
            Cover::Anchor(found) => proptest::prop_assert!(
                with == Some(found.zone.as_name().label_count()) && with > without
            ),
        }
    }
}
