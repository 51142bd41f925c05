//! A link of the chain from what was learnt: the results settled for this request, then the cache.

use super::{Link, Recursion, Source, Walk};
use crate::cache::{Entry, Fact, Key};
use crate::limits;
use crate::rrset::Rdatas;
use crate::wire::{Ede, Flags, Name, Rcode, Rtype, Section};

impl Walk<'_, '_> {
    /// Answers `name` from what was settled for this request or is cached.
    pub(super) fn learnt_link(&mut self, name: Name<'_>) -> Link {
        let rtype = self.query.question.rtype;
        let Some(recursion) = self.recursion else { return Link::Unknown };
        if rtype == Rtype::ANY {
            // RFC 8482 §4.2: no other server is asked for everything it has.
            let rdatas = Rdatas::stored(b"\x00\x09\x07RFC8482\x00");
            self.add_answer(name, Rtype::HINFO, limits::TTL_NEGATIVE, rdatas);
            self.reply.source = Source::Cache;
            return Link::Done;
        }
        // The type asked for, then an alias, then the denial of the whole name.
        for tried in [rtype, Rtype::CNAME, Key::NXDOMAIN] {
            if tried == Rtype::CNAME && rtype != Rtype::CNAME {
                self.dname_above(recursion, name);
            }
            let link = self.settled(recursion, name, tried).or_else(|| self.cached(recursion, name, tried));
            if let Some(link) = link {
                return link;
            }
        }
        Link::Unknown
    }

    /// Writes the DNAME that the name's CNAME was made from, if it was (RFC 6672 §3.4.1).
    fn dname_above(&mut self, recursion: &Recursion, name: Name<'_>) {
        let key = self.key(recursion, name, Rtype::CNAME);
        let known =
            self.progress.is_some_and(|progress| {
                progress.settled.iter().any(|settled| settled.entries.iter().any(|entry| entry.key() == key))
            }) || self.scratch.as_mut().is_some_and(|scratch| recursion.cache.get(&key, scratch).is_some());
        let mut above = name.parent().filter(|_| known);
        while let Some(owner) = above {
            let link = self.settled(recursion, owner, Rtype::DNAME);
            if link.or_else(|| self.cached(recursion, owner, Rtype::DNAME)).is_some() {
                return;
            }
            above = owner.parent();
        }
    }

    fn key<'n>(&self, recursion: &Recursion, name: Name<'n>, rtype: Rtype) -> Key<'n> {
        Key { realm: recursion.realm, name, rtype, checking_disabled: self.query.flags.has(Flags::CD) }
    }

    fn settled(&mut self, recursion: &Recursion, name: Name<'_>, rtype: Rtype) -> Option<Link> {
        let key = self.key(recursion, name, rtype);
        let progress = self.progress?;
        let entries = progress.settled.iter().rev().flat_map(|settled| settled.entries.iter());
        let entry = entries.into_iter().find(|entry| entry.key() == key)?.entry();
        self.reply.source = Source::Resolved;
        // What was settled for this request may be used by it even when its TTL has run out meanwhile.
        let link = write(self, name, rtype, &entry);
        Some(link)
    }

    fn cached(&mut self, recursion: &Recursion, name: Name<'_>, rtype: Rtype) -> Option<Link> {
        let key = self.key(recursion, name, rtype);
        let scratch = self.scratch.take()?;
        let link =
            recursion.cache.get(&key, scratch).filter(|entry| entry.ttl_left(self.request.now) > 0).map(
                |entry| {
                    self.reply.source = Source::Cache;
                    write(self, name, rtype, &entry)
                },
            );
        self.scratch = Some(scratch);
        link
    }
}

/// Writes what an entry says of `name`.
fn write(walk: &mut Walk<'_, '_>, name: Name<'_>, rtype: Rtype, entry: &Entry<'_>) -> Link {
    let ttl = entry.ttl_left(walk.request.now);
    match entry.fact {
        Fact::Records { rdatas, .. } => {
            let target = match rtype {
                Rtype::CNAME if walk.query.question.rtype != Rtype::CNAME => {
                    rdatas.iter().next().and_then(|r| Name::from_wire(r).ok())
                }
                _ => None,
            };
            match target {
                _ if !walk.add_answer(name, rtype, ttl, rdatas) => Link::Done,
                Some(target) => Link::Follow(target.to_buf()),
                None => Link::Done,
            }
        }
        Fact::Denied { soa_owner, soa } => {
            if rtype == Key::NXDOMAIN {
                walk.reply.rcode = Rcode::NXDOMAIN;
            }
            if let Some(owner) = soa_owner {
                walk.reply.record_whole(Section::Authority, owner, Rtype::SOA, ttl, soa);
            }
            Link::Done
        }
        Fact::Failed { rcode, ede } => {
            walk.reply.fail(rcode, Some((Ede(ede), "")));
            Link::Done
        }
    }
}
