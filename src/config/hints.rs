//! Root hints: the built-in list, or a file of NS, A and AAAA lines as IANA publishes it.

use super::load::read_file;
use super::reader::{Reader, Value};
use crate::wire::{NameBuf, OwnedName};
use std::net::IpAddr;
use std::path::Path;

/// Names and addresses of root servers.
pub(super) type Hints = Vec<(OwnedName, Vec<IpAddr>)>;

/// The root servers (IANA, named.root): letter, IPv4, IPv6.
const ROOTS: [(char, &str, &str); 13] = [
    ('a', "198.41.0.4", "2001:503:ba3e::2:30"),
    ('b', "170.247.170.2", "2801:1b8:10::b"),
    ('c', "192.33.4.12", "2001:500:2::c"),
    ('d', "199.7.91.13", "2001:500:2d::d"),
    ('e', "192.203.230.10", "2001:500:a8::e"),
    ('f', "192.5.5.241", "2001:500:2f::f"),
    ('g', "192.112.36.4", "2001:500:12::d0d"),
    ('h', "198.97.190.53", "2001:500:1::53"),
    ('i', "192.36.148.17", "2001:7fe::53"),
    ('j', "192.58.128.30", "2001:503:c27::2:30"),
    ('k', "193.0.14.129", "2001:7fd::1"),
    ('l', "199.7.83.42", "2001:500:9f::42"),
    ('m', "202.12.27.33", "2001:dc3::35"),
];

/// The built-in hints.
pub(super) fn builtin() -> Hints {
    let server = |(letter, v4, v6): (char, &str, &str)| {
        let name = format!("{letter}.root-servers.net.").parse().ok()?;
        Some((name, [v4, v6].iter().filter_map(|text| text.parse().ok()).collect()))
    };
    ROOTS.into_iter().filter_map(server).collect()
}

/// `root_hints`: "builtin" or a file.
pub(super) fn read(reader: &mut Reader<'_>, value: Value<'_>, base: &Path) -> Hints {
    let Some(text) = reader.string(value) else { return Vec::new() };
    if text.value == "builtin" {
        return builtin();
    }
    let path = base.join(&text.value);
    let Some((_, content)) = read_file(&path, Some(value.span), reader.diagnostics) else {
        return Vec::new();
    };
    let hints = parse(&content);
    if hints.is_empty() {
        let told = reader.error(value.span, format!("{} has no root server with an address", path.display()));
        told.help = Some("lines are as in IANA's named.root: NAME [TTL] [IN] A ADDRESS".into());
    }
    hints
}

/// Every name with addresses, in order. Lines that are not addresses are passed over.
fn parse(content: &str) -> Hints {
    let mut hints: Hints = Vec::new();
    for line in content.lines() {
        let line = line.split(';').next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(owner), Some([rtype, address])) = (words.first(), words.last_chunk::<2>()) else {
            continue;
        };
        let known = rtype.eq_ignore_ascii_case("A") || rtype.eq_ignore_ascii_case("AAAA");
        let (Ok(owner), Ok(address), true) = (owner.parse::<NameBuf>(), address.parse::<IpAddr>(), known)
        else {
            continue;
        };
        let owner = owner.as_name().to_owned();
        match hints.iter_mut().find(|(name, _)| *name == owner) {
            Some((_, addresses)) => addresses.push(address),
            None => hints.push((owner, vec![address])),
        }
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_hints_are_thirteen_servers_with_both_families() {
        let hints = builtin();
        assert_eq!(hints.len(), 13);
        assert!(hints.iter().all(|(_, addresses)| addresses.len() == 2));
    }

    #[test]
    fn a_hints_file_is_read_as_iana_writes_it() {
        let hints = parse(
            "; comment\n.  3600000  NS  A.ROOT.\nA.ROOT. 3600000 A 192.0.2.1\na.root. IN AAAA 2001:db8::1 ; x\nb.root. A bad\n",
        );
        assert_eq!(
            hints,
            [(
                "a.root.".parse().unwrap(),
                vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()]
            )]
        );
    }
}
