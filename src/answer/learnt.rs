//! A link of the chain from what was learnt: the results settled for this request, then the cache.

use super::{Link, Recursion, Source, Walk};
use crate::cache::{Entry, Fact, Key};
use crate::limits;
use crate::resolve::Settled;
use crate::rrset::Rdatas;
use crate::wire::{Ede, Flags, Name, NameBuf, Rcode, Rtype, Section};

impl<'a> Walk<'a, '_> {
    /// Answers `name` from what was settled for this request or is cached.
    pub(super) fn learnt_link(&mut self, name: Name<'_>) -> Link<'a> {
        let rtype = self.query.question.rtype;
        let Some(recursion) = self.recursion else { return Link::Unknown };
        if rtype == Rtype::ANY {
            // RFC 8482 §4.2: no other server is asked for everything it has.
            let rdatas = Rdatas::stored(b"\x00\x09\x07RFC8482\x00");
            self.add_answer(name, Rtype::HINFO, limits::TTL_NEGATIVE, rdatas);
            self.reply.source = Source::Cache;
            return Link::Done;
        }
        // A failure says more where it was settled than where it is cached.
        if self.settled_last(name).is_some_and(|settled| settled.failure.is_some()) {
            return Link::Unknown;
        }
        // The type asked for, then an alias, then the denial of the whole name.
        for tried in [rtype, Rtype::CNAME, Key::NXDOMAIN] {
            if tried == Rtype::CNAME && rtype != Rtype::CNAME {
                self.dname_above(recursion, name);
            }
            let link = self.find(recursion, name, tried, |walk, entry| {
                // That there is no CNAME says nothing of other types.
                let aside = tried == Rtype::CNAME && rtype != Rtype::CNAME;
                let answers = !aside || matches!(entry.fact, Fact::Records { .. });
                answers.then(|| write(walk, name, tried, entry))
            });
            if let Some(link) = link.flatten() {
                return link;
            }
        }
        Link::Unknown
    }

    /// The last result settled for this request, if it was for this name.
    pub(super) fn settled_last(&self, name: Name<'_>) -> Option<&Settled> {
        self.progress?.settled.last().filter(|settled| settled.name.as_name() == name)
    }

    /// Writes the DNAME that the name's CNAME was made from, if it was (RFC 6672 §3.4.1).
    fn dname_above(&mut self, recursion: &Recursion, name: Name<'_>) {
        let target = |_: &mut Self, entry: &Entry<'_>| Some(only_name(entry)?.to_buf());
        let Some(alias) = self.find(recursion, name, Rtype::CNAME, target).flatten() else { return };
        let mut above = name.parent();
        while let Some(owner) = above {
            let made = self.find(recursion, owner, Rtype::DNAME, |walk, entry| {
                let target = only_name(entry)?;
                let made = NameBuf::substitute(name, owner, target).is_ok_and(|made| made == alias);
                let Fact::Records { rdatas, .. } = entry.fact else { return None };
                if made && !walk.reply.answers(owner, Rtype::DNAME) {
                    walk.add_answer(owner, Rtype::DNAME, entry.ttl_left(walk.request.now), rdatas);
                }
                made.then_some(())
            });
            if made.flatten().is_some() {
                return;
            }
            above = owner.parent();
        }
    }

    /// Finds an entry that was settled for this request, then one that is cached, and has it read.
    fn find<R>(
        &mut self,
        recursion: &Recursion,
        name: Name<'_>,
        rtype: Rtype,
        read: impl FnOnce(&mut Self, &Entry<'_>) -> R,
    ) -> Option<R> {
        let checking_disabled = self.query.flags.has(Flags::CD);
        let key = Key { realm: recursion.realm, name, rtype, checking_disabled };
        let settled = self.progress.iter().flat_map(|progress| progress.settled.iter().rev());
        let mut entries = settled.flat_map(|settled| settled.entries.iter());
        // Its own results are its own, whatever realm has begun meanwhile.
        if let Some(entry) = entries.find(|entry| Key { realm: key.realm, ..entry.key() } == key) {
            // What was settled for this request may be used by it even when its TTL has run out meanwhile.
            self.reply.source = Source::Resolved;
            return Some(read(self, &entry.entry()));
        }
        let (scratch, now) = (self.scratch.take()?, self.request.now);
        let entry = recursion.cache.get(&key, scratch).filter(|entry| entry.ttl_left(now) > 0);
        let found = entry.map(|entry| {
            self.reply.source = Source::Cache;
            read(self, &entry)
        });
        self.scratch = Some(scratch);
        found
    }
}

/// The name in an entry's one record, which is a CNAME or DNAME.
fn only_name<'e>(entry: &Entry<'e>) -> Option<Name<'e>> {
    let Fact::Records { rdatas, .. } = entry.fact else { return None };
    Name::from_wire(rdatas.iter().next()?).ok()
}

/// Writes what an entry says of `name`.
fn write<'a>(walk: &mut Walk<'a, '_>, name: Name<'_>, rtype: Rtype, entry: &Entry<'_>) -> Link<'a> {
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
                Some(target) => walk.follow(target),
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
        Fact::Failed { rcode, ede, text } => {
            walk.reply.fail(rcode, Some((Ede(ede), text)));
            Link::Done
        }
    }
}
