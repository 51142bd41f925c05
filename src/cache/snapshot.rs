//! The cache as a file: written on a clean stop, read at the next start. Expiry is kept as wall-clock time, so TTLs go on counting
//! while the daemon is down.
//!
//! Layout, little-endian: the magic with the format's version; blocks of length (4), CRC-32 (4) and payload. The first block says when
//! it was saved (8) and under which settings (8). Each further one has entries: expiry (8), length (2), octets as in
//! [`EntryBuf`]. An empty block is the end, so that a file cut short is seen as such.

use super::{Cache, Entry, EntryBuf, Fact, Key, Selection};
use crate::clock::Instant;
use crate::limits;
use std::fmt;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;

const MAGIC: &[u8; 16] = b"waymark cache 2\n";

/// Octets of the magic before the version.
const NAME: usize = 14;

/// Octets in front of an entry.
const HEAD: usize = 10;

/// What a snapshot is taken or used under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// Now, on the clock of the cache.
    pub now: Instant,
    /// Now, in seconds of Unix time.
    pub unix: u64,
    /// The realm in force.
    pub realm: u32,
    /// What stands for all settings that a realm is made of. A realm's number means nothing to another process.
    pub settings: u64,
}

/// Why a snapshot, or the rest of it, is not used.
#[derive(Debug)]
pub enum Unusable {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is no snapshot.
    Foreign,
    /// It has another version's format.
    Version,
    /// It was learnt under other settings of the resolver.
    Settings,
    /// It was saved later than now.
    Future,
    /// A block is cut short or not what was written.
    Broken,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unusable::Unreadable(error) => return write!(f, "{error}"),
            Unusable::Foreign => "it is no snapshot of a cache",
            Unusable::Version => "another version of Waymark wrote it",
            Unusable::Settings => {
                "the resolver asked other servers, or asked or trusted them otherwise, when it was written"
            }
            Unusable::Future => "it was written later than now: the clock was set back",
            Unusable::Broken => "it is damaged",
        })
    }
}

impl std::error::Error for Unusable {}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Unusable {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Unusable::Broken,
            _ => Unusable::Unreadable(error),
        }
    }
}

/// Writes what the realm in force holds; failures are not worth keeping. Returns how many entries.
///
/// # Errors
/// Those of `out`.
pub fn save(cache: &Cache, under: &Circumstances, out: &mut impl Write) -> io::Result<usize> {
    out.write_all(MAGIC)?;
    write_block(out, &[under.unix.to_le_bytes(), under.settings.to_le_bytes()].concat())?;
    let (mut block, mut saved, mut written) = (Vec::with_capacity(limits::SNAPSHOT_BLOCK), 0, Ok(()));
    let _ = cache.walk(&Selection::All, |key, entry| {
        let left = entry.ttl_left(under.now);
        if key.realm != under.realm || left == 0 || matches!(entry.fact, Fact::Failed { .. }) {
            return ControlFlow::Continue(());
        }
        let entry = EntryBuf::new(key, entry);
        let octets = entry.as_bytes();
        if block.len() + HEAD + octets.len() > limits::SNAPSHOT_BLOCK {
            written = write_block(out, &block);
            block.clear();
        }
        block.extend((under.unix.saturating_add(left.into())).to_le_bytes());
        // The cache holds none that is longer than `limits::CACHE_ENTRY`.
        block.extend((octets.len() as u16).to_le_bytes());
        block.extend(octets);
        saved += 1;
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    written?;
    if !block.is_empty() {
        write_block(out, &block)?;
    }
    write_block(out, &[])?;
    Ok(saved)
}

fn write_block(out: &mut impl Write, payload: &[u8]) -> io::Result<()> {
    out.write_all(&(payload.len() as u32).to_le_bytes())?;
    out.write_all(&crc32fast::hash(payload).to_le_bytes())?;
    out.write_all(payload)
}

/// Stores what a snapshot holds that has not expired, block by block for as long as `go_on` says so and there is room. Returns how
/// many entries, and why those after them are not used.
pub fn load(
    cache: &Cache,
    under: &Circumstances,
    from: &mut impl Read,
    go_on: impl FnMut() -> bool,
) -> (usize, Option<Unusable>) {
    let mut loaded = 0;
    let unusable = read(cache, under, from, go_on, &mut loaded).err();
    (loaded, unusable)
}

fn read(
    cache: &Cache,
    under: &Circumstances,
    from: &mut impl Read,
    mut go_on: impl FnMut() -> bool,
    loaded: &mut usize,
) -> Result<(), Unusable> {
    let mut magic = [0; MAGIC.len()];
    from.read_exact(&mut magic).map_err(|error| match Unusable::from(error) {
        Unusable::Broken => Unusable::Foreign,
        other => other,
    })?;
    match magic[..NAME] == MAGIC[..NAME] {
        true if magic == *MAGIC => (),
        true => return Err(Unusable::Version),
        false => return Err(Unusable::Foreign),
    }
    let (mut block, mut octets) = (Vec::new(), 0);
    read_block(from, &mut block)?;
    let (saved, settings) = block.split_first_chunk().ok_or(Unusable::Broken)?;
    if *settings != under.settings.to_le_bytes() {
        return Err(Unusable::Settings);
    }
    if u64::from_le_bytes(*saved) > under.unix {
        return Err(Unusable::Future);
    }
    while octets < cache.capacity && go_on() {
        read_block(from, &mut block)?;
        if block.is_empty() {
            break;
        }
        octets += block.len();
        let mut rest = &block[..];
        while !rest.is_empty() {
            let (expires, entry);
            (expires, entry, rest) = next_entry(rest).ok_or(Unusable::Broken)?;
            *loaded += usize::from(insert(cache, under, expires, &entry));
        }
    }
    Ok(())
}

/// Reads a block whole; what its length says is bounded before it is believed.
fn read_block(from: &mut impl Read, block: &mut Vec<u8>) -> Result<(), Unusable> {
    let mut head = [0; 8];
    from.read_exact(&mut head)?;
    let [a, b, c, d, crc @ ..] = head;
    let len = u32::from_le_bytes([a, b, c, d]) as usize;
    if len > limits::SNAPSHOT_BLOCK {
        return Err(Unusable::Broken);
    }
    block.resize(len, 0);
    from.read_exact(block)?;
    if crc32fast::hash(block) == u32::from_le_bytes(crc) { Ok(()) } else { Err(Unusable::Broken) }
}

/// The first entry of a payload with its expiry, and what follows; none when it is not an entry that could have been saved.
fn next_entry(payload: &[u8]) -> Option<(u64, EntryBuf, &[u8])> {
    let (expires, rest) = payload.split_first_chunk()?;
    let (len, rest) = rest.split_first_chunk()?;
    let (octets, rest) = rest.split_at_checked(u16::from_le_bytes(*len) as usize)?;
    Some((u64::from_le_bytes(*expires), EntryBuf::read(octets)?, rest))
}

/// Stores an entry with what is left of its TTL; says whether there was any.
fn insert(cache: &Cache, under: &Circumstances, expires: u64, saved: &EntryBuf) -> bool {
    let (key, entry) = (saved.key(), saved.entry());
    let left = u32::try_from(expires.saturating_sub(under.unix)).unwrap_or(u32::MAX);
    // Never longer than it had, whatever the file says.
    let ttl = left.min(entry.ttl).min(limits::TTL_MAX);
    if ttl == 0 {
        return false;
    }
    let entry = Entry { stored: under.now, ttl, ..entry };
    cache.insert(&EntryBuf::new(&Key { realm: under.realm, ..key }, &entry));
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Proof;
    use crate::cache::{Scratch, Verdict};
    use crate::rrset::{Rdatas, Rrset};
    use crate::wire::{Name, NameBuf, Rcode, Rtype};

    const SAVED: Circumstances =
        Circumstances { now: Instant::from_secs(5_000), unix: 1_800_000_000, realm: 4, settings: 77 };

    /// The same, in a process started later: its clock begins anew.
    fn after(seconds: u64) -> Circumstances {
        Circumstances { now: Instant::from_secs(3_600), unix: SAVED.unix + seconds, realm: 0, settings: 77 }
    }

    fn put(cache: &Cache, realm: u32, name: &str, rtype: Rtype, ttl: u32, fact: Fact<'_>) {
        let name: NameBuf = name.parse().unwrap();
        let key = Key { realm, name: name.as_name(), rtype, checking_disabled: false, failed: false };
        // Ten seconds old when it is saved.
        let stored = Instant::from_secs(4_990);
        cache.insert(&EntryBuf::new(
            &key,
            &Entry { stored, ttl, verdict: Verdict::Insecure, fact, proof: Proof::NONE },
        ));
    }

    /// A cache with ample room.
    fn cache(file: usize) -> Cache {
        Cache::new(file * 20, 1)
    }

    /// A file of a cache with one entry of each kind, and more so that there are several blocks.
    fn saved(more: usize) -> (Vec<u8>, usize) {
        let cache = cache(100 * more);
        let mut set = Rrset::new(Name::ROOT, Rtype::A, 1);
        set.push(&[192, 0, 2, 1]);
        let records = Fact::Records { rdatas: set.rdatas(), signatures: Rdatas::stored(&[]) };
        let soa = [&b"\x01a\x00\x01b\x00"[..], &[0; 20]].concat();
        put(&cache, 4, "a.example.", Rtype::A, 110, records);
        put(&cache, 4, "short.example.", Rtype::A, 20, records);
        put(&cache, 4, "gone.example.", Rtype::A, 10, records);
        put(&cache, 3, "realm.example.", Rtype::A, 110, records);
        put(
            &cache,
            4,
            "nx.example.",
            Key::NXDOMAIN,
            110,
            Fact::Denied { soa_owner: Some(Name::ROOT), soa: &soa, signatures: Rdatas::EMPTY },
        );
        put(
            &cache,
            4,
            "bad.example.",
            Rtype::A,
            110,
            Fact::Failed { rcode: Rcode::SERVFAIL, ede: 0, text: "" },
        );
        for n in 0..more {
            put(&cache, 4, &format!("n{n}.example."), Rtype::A, 1_000, records);
        }
        let mut file = Vec::new();
        let entries = save(&cache, &SAVED, &mut file).unwrap();
        (file, entries)
    }

    fn loaded(file: &[u8], under: &Circumstances) -> (Cache, usize, Option<String>) {
        let cache = cache(file.len());
        let (entries, unusable) = load(&cache, under, &mut &file[..], || true);
        assert_eq!(cache.counts().entries, entries);
        (cache, entries, unusable.map(|why| why.to_string()))
    }

    #[test]
    fn what_is_read_has_what_is_left_of_its_ttl() {
        let (file, saved) = saved(0);
        assert_eq!(saved, 3);
        for (seconds, left) in [
            (0, [Some(100), Some(10), Some(100)]),
            (9, [Some(91), Some(1), Some(91)]),
            (10, [Some(90), None, Some(90)]),
            (99, [Some(1), None, Some(1)]),
            (100, [None, None, None]),
            (1_000_000, [None, None, None]),
        ] {
            let under = after(seconds);
            let (cache, entries, unusable) = loaded(&file, &under);
            assert_eq!((entries, unusable), (left.iter().flatten().count(), None), "{seconds}");
            let mut scratch = Scratch::default();
            let names =
                [("A.example.", Rtype::A), ("short.example.", Rtype::A), ("nx.example.", Key::NXDOMAIN)];
            for ((name, rtype), left) in names.into_iter().zip(left) {
                let name: NameBuf = name.parse().unwrap();
                let key =
                    Key { realm: 0, name: name.as_name(), rtype, checking_disabled: false, failed: false };
                let entry = cache.get(&key, &mut scratch);
                assert_eq!(entry.map(|entry| entry.ttl_left(under.now)), left, "{seconds} {name:?}");
                assert!(entry.is_none_or(|entry| entry.verdict == Verdict::Insecure));
            }
        }
    }

    #[test]
    fn many_blocks_are_read_for_as_long_as_there_is_time_and_room() {
        let (file, saved) = saved(3_000);
        assert!(file.len() > 2 * limits::SNAPSHOT_BLOCK, "{}", file.len());
        assert_eq!(loaded(&file, &after(20)).1, saved - 1);
        let (cache, mut blocks) = (cache(file.len()), 0);
        let (entries, unusable) = load(&cache, &after(0), &mut &file[..], || {
            blocks += 1;
            blocks < 2
        });
        assert!(entries > 100 && entries < saved && unusable.is_none(), "{entries} {unusable:?}");
    }

    #[test]
    fn a_file_of_others_or_of_other_times_is_not_used() {
        let (file, _) = saved(0);
        let version = [b"waymark cache 9\n", &file[16..]].concat();
        for (file, under, told) in [
            (&b""[..], after(0), "no snapshot"),
            (b"[server]\nlisten = []\n# and more", after(0), "no snapshot"),
            (&version, after(0), "another version"),
            (&file, Circumstances { settings: 78, ..after(0) }, "other servers"),
            (&file, Circumstances { unix: SAVED.unix - 1, ..after(0) }, "the clock was set back"),
        ] {
            let (_, entries, unusable) = loaded(file, &under);
            assert_eq!(entries, 0, "{told}");
            assert!(unusable.as_ref().is_some_and(|why| why.contains(told)), "{told}: {unusable:?}");
        }
    }

    #[test]
    fn every_flipped_bit_and_every_missing_end_is_seen() {
        let (file, _) = saved(0);
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut file = file.clone();
                file[at] ^= 1 << bit;
                assert!(loaded(&file, &after(0)).2.is_some(), "bit {bit} of octet {at}");
            }
            assert!(loaded(&file[..at], &after(0)).2.is_some(), "cut at {at}");
        }
    }

    #[test]
    fn what_is_before_a_broken_block_is_used() {
        let (mut file, saved) = saved(3_000);
        let middle = file.len() / 2;
        file[middle] ^= 1;
        let (_, entries, unusable) = loaded(&file, &after(0));
        assert!(entries > 100 && entries < saved && unusable.is_some(), "{entries} {unusable:?}");
    }

    #[test]
    fn a_block_whose_checksum_is_right_is_not_trusted_either() {
        let (file, _) = saved(0);
        let start = 16 + 8 + 16;
        let len = u32::from_le_bytes(*file[start..].first_chunk().unwrap()) as usize;
        for at in 0..len {
            for value in [0, 1, 0x40, 0x80, 0xff] {
                let mut file = file.clone();
                file[start + 8 + at] = value;
                let crc = crc32fast::hash(&file[start + 8..start + 8 + len]);
                file[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
                let (cache, ..) = loaded(&file, &after(0));
                let _ = cache.walk(&Selection::All, |key, entry| {
                    assert!(entry.ttl <= limits::TTL_MAX);
                    assert_eq!(
                        EntryBuf::read(EntryBuf::new(key, entry).as_bytes()),
                        Some(EntryBuf::new(key, entry))
                    );
                    ControlFlow::Continue(())
                });
            }
        }
    }
}
