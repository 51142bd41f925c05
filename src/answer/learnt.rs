//! A link of the chain from what was learnt: the results settled for this request, then the cache.

use super::{Link, Recursion, Refresh, Source, Walk};
use crate::cache::{Entry, Fact, Key, Proof, ProofSet, Verdict};
use crate::dnssec::Nsec;
use crate::limits;
use crate::resolve::{BELOW_OWN_CUT, Failure, Settled};
use crate::rrset::Rdatas;
use crate::wire::{Ede, Flags, Name, NameBuf, Rcode, Rtype, Section};
use crate::zone::RrsetRef;
use crate::zone::tree::Sought;
use std::cmp::Reverse;

impl<'a> Walk<'a, '_> {
    /// Answers `name` from what was settled for this request or is cached. `below_own_cut` says that an own zone delegates it.
    pub(super) fn learnt_link(&mut self, name: Name<'_>, below_own_cut: bool) -> Link<'a> {
        let rtype = self.query.question.rtype;
        let Some(recursion) = self.recursion else { return Link::Unknown };
        if rtype == Rtype::ANY {
            // RFC 8482 §4.2: no other server is asked for everything it has.
            let rdatas = Rdatas::stored(b"\x00\x09\x07RFC8482\x00");
            self.secure = false;
            self.add_answer(name, Rtype::HINFO, limits::TTL_NEGATIVE, rdatas);
            self.reply.source = Source::Cache;
            return Link::Done;
        }
        let learnt =
            Learnt { recursion, realm: recursion.realm | if below_own_cut { BELOW_OWN_CUT } else { 0 } };
        // A failure says more where it was settled than where it is cached.
        let failure = self.settled_for(name).and_then(|settled| settled.failure.as_ref());
        // Up to a DNAME that makes the name too long, a chain is an answer.
        if let Some(failure) = failure.filter(|failure| failure.rcode != Rcode::YXDOMAIN) {
            return self.stale_link(learnt, name, failure.rcode, failure.ede);
        }
        let mut link = self.known_link(learnt, name);
        if let Link::Unknown = link {
            link = self.denied_above(learnt, name);
        }
        if let Link::Unknown = link {
            link = self.failed_link(learnt, name);
        }
        link
    }

    /// The type asked for, then an alias, then the denial of the whole name.
    fn known_link(&mut self, learnt: Learnt<'a>, name: Name<'_>) -> Link<'a> {
        let rtype = self.query.question.rtype;
        let mut order = [rtype, Rtype::CNAME, Key::NXDOMAIN];
        if self.stale {
            // Of what has run out the last that was learnt is the nearest to the truth.
            let mut learnt_at = |rtype| self.find(learnt, name, rtype, |_, entry| entry.stored);
            let mut at = order.map(|rtype| (Reverse(learnt_at(rtype)), rtype));
            at.sort_by_key(|(at, _)| *at);
            order = at.map(|(_, rtype)| rtype);
        }
        for tried in order {
            if tried == Rtype::CNAME {
                self.dname_above(learnt, name);
            }
            let link = self.find(learnt, name, tried, |walk, entry| {
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

    /// The denial of a name above this one (RFC 8020 §2). It does not reach below what the config says who to ask for.
    fn denied_above(&mut self, learnt: Learnt<'a>, name: Name<'_>) -> Link<'a> {
        let Recursion { upstreams, strict_denial, .. } = learnt.recursion;
        if learnt.realm & BELOW_OWN_CUT != 0 {
            return Link::Unknown;
        }
        let floor = upstreams.closest(&Sought::new(name)).map_or(0, |zone| zone.0.as_name().label_count());
        let above = name.label_count().saturating_sub(1);
        // The roots deny top-level names.
        let most = if *strict_denial { above } else { above.min(1) };
        for labels in (floor.max(1)..=most).rev() {
            let part = name.suffix(labels);
            let denied = self.find(learnt, part, Key::NXDOMAIN, |walk, entry| {
                let by_root =
                    matches!(entry.fact, Fact::Denied { soa_owner: Some(owner), .. } if owner.is_root());
                // A record of the name's own shows nothing of those below it to one who validates.
                let shown = !(walk.wants_proof() && is_compact(part, entry.proof));
                (shown && (*strict_denial || by_root)).then(|| write(walk, name, Key::NXDOMAIN, entry))
            });
            if let Some(link) = denied.flatten() {
                return link;
            }
        }
        Link::Unknown
    }

    /// What was known before, or that the question could not be resolved a while ago.
    fn failed_link(&mut self, learnt: Learnt<'a>, name: Name<'_>) -> Link<'a> {
        let rtype = self.query.question.rtype;
        let (mut rcode, mut why) = (Rcode::NOERROR, Ede::OTHER);
        if !self.failure(learnt, name, rtype, |_, (failed, ede, _)| (rcode, why) = (failed, ede)) {
            return Link::Unknown;
        }
        match self.stale_link(learnt, name, rcode, why) {
            Link::Unknown => {
                self.failure(learnt, name, rtype, |walk, (rcode, ede, text)| {
                    walk.reply.source = Source::Cache;
                    walk.reply.fail(rcode, Some((ede, text)));
                });
                Link::Done
            }
            stale => stale,
        }
    }

    /// Has a failure read that is remembered.
    fn failure(
        &mut self,
        learnt: Learnt<'a>,
        name: Name<'_>,
        rtype: Rtype,
        read: impl FnOnce(&mut Self, (Rcode, Ede, &str)),
    ) -> bool {
        let key = Key { failed: true, ..self.key(learnt, name, rtype) };
        let Some(scratch) = self.scratch.take() else { return false };
        let now = self.request.now;
        let entry = learnt.recursion.cache.get(&key, scratch).filter(|entry| entry.ttl_left(now) > 0);
        let failed = match entry.map(|entry| entry.fact) {
            Some(Fact::Failed { rcode, ede, text }) => Some((rcode, Ede(ede), text)),
            _ => None,
        };
        let found = failed.is_some();
        if let Some(failed) = failed {
            read(self, failed);
        }
        self.scratch = Some(scratch);
        found
    }

    /// What was known before, where that may be used in place of this failure. Not where the servers were heard and are not to be
    /// believed: who forges them must not choose the answer by its age.
    fn stale_link(&mut self, learnt: Learnt<'a>, name: Name<'_>, failure: Rcode, why: Ede) -> Link<'a> {
        if !learnt.recursion.serve_stale || failure != Rcode::SERVFAIL || why.is_of_validation() {
            return Link::Unknown;
        }
        // The other links of the chain are fresh as long as they can be.
        let before = std::mem::replace(&mut self.stale, true);
        let link = self.known_link(learnt, name);
        self.stale = before;
        link
    }

    /// What came of this name's question, if it was asked for this request.
    pub(super) fn settled_for(&self, name: Name<'_>) -> Option<&'a Settled> {
        self.progress?.settled.iter().rev().find(|settled| settled.name.as_name() == name)
    }

    /// Writes the DNAME that the name's CNAME was made from, if it was (RFC 6672 §3.4.1).
    fn dname_above(&mut self, learnt: Learnt<'a>, name: Name<'_>) {
        let target = |_: &mut Self, entry: &Entry<'_>| Some(only_name(entry)?.to_buf());
        let Some(alias) = self.find(learnt, name, Rtype::CNAME, target).flatten() else { return };
        let mut above = name.parent();
        while let Some(owner) = above {
            let made = self.find(learnt, owner, Rtype::DNAME, |walk, entry| {
                let target = only_name(entry)?;
                let made = NameBuf::substitute(name, owner, target).is_ok_and(|made| made == alias);
                let Fact::Records { rdatas, signatures } = entry.fact else { return None };
                if made {
                    let ttl = walk.ttl(entry);
                    walk.secure &= entry.verdict == Verdict::Secure;
                    walk.add_signed(owner, &RrsetRef { rtype: Rtype::DNAME, ttl, rdatas, signatures });
                }
                made.then_some(())
            });
            if made.flatten().is_some() {
                return;
            }
            above = owner.parent();
        }
    }

    /// Answers with the DNAME that makes `name` too long (RFC 6672 §2.2), as it was settled for this request.
    pub(super) fn made_too_long(&mut self, name: Name<'_>, failure: &Failure) {
        let dname = self.settled_for(name).and_then(|settled| {
            settled.entries.iter().find(|e| e.key().rtype == Rtype::DNAME && name.is_below(e.key().name))
        });
        if let Some(dname) = dname
            && let entry = dname.entry()
            && let Fact::Records { rdatas, signatures } = entry.fact
        {
            let set = RrsetRef { rtype: Rtype::DNAME, ttl: self.ttl(&entry), rdatas, signatures };
            self.add_signed(dname.key().name, &set);
        }
        self.reply.rcode = failure.rcode;
        self.reply.remark(failure.ede, &failure.text);
    }

    fn key<'n>(&self, learnt: Learnt<'_>, name: Name<'n>, rtype: Rtype) -> Key<'n> {
        let checking_disabled = self.query.flags.has(Flags::CD);
        Key { realm: learnt.realm, name, rtype, checking_disabled, failed: false }
    }

    /// Finds an entry that was settled for this request, then one that is cached, and has it read.
    fn find<R>(
        &mut self,
        learnt: Learnt<'a>,
        name: Name<'_>,
        rtype: Rtype,
        read: impl FnOnce(&mut Self, &Entry<'_>) -> R,
    ) -> Option<R> {
        let key = self.key(learnt, name, rtype);
        let settled = self.progress.iter().flat_map(|progress| progress.settled.iter().rev());
        let mut entries = settled.flat_map(|settled| settled.entries.iter());
        // Its own results are its own, whatever realm has begun meanwhile.
        if let Some(entry) = entries.find(|entry| Key { realm: key.realm, ..entry.key() } == key) {
            // What was settled for this request may be used by it even when its TTL has run out meanwhile.
            self.reply.source = Source::Resolved;
            let before = std::mem::replace(&mut self.stale, false);
            let found = read(self, &entry.entry());
            self.stale = before;
            return Some(found);
        }
        let (scratch, now, stale) = (self.scratch.take()?, self.request.now, self.stale);
        let entry = learnt
            .recursion
            .cache
            .get(&key, scratch)
            .filter(|entry| entry.ttl_left(now) > 0 || stale && entry.is_fit_when_stale(now));
        let found = entry.map(|entry| {
            self.reply.source = Source::Cache;
            self.prefetch(learnt, name, &entry);
            read(self, &entry)
        });
        self.scratch = Some(scratch);
        found
    }

    /// Asks for an entry to be looked up again when it is in use and the last tenth of its time has begun.
    fn prefetch(&mut self, learnt: Learnt<'_>, name: Name<'_>, entry: &Entry<'_>) {
        let left = entry.ttl_left(self.request.now);
        let soon = entry.ttl >= limits::PREFETCH_MIN && (1..=entry.ttl / 10).contains(&left);
        let (refresh, refreshed) = &mut self.refresh;
        if !soon
            || !learnt.recursion.prefetch
            || learnt.realm & BELOW_OWN_CUT != 0
            || !refreshed.is_due(entry.stored, self.request.now)
        {
            return;
        }
        let (rtype, checking_disabled) = (self.query.question.rtype, self.query.flags.has(Flags::CD));
        **refresh = Some(Refresh { name: name.to_buf(), rtype, checking_disabled });
    }

    /// The TTL to answer with: what is left, or little when nothing is (RFC 8767 §4).
    fn ttl(&self, entry: &Entry<'_>) -> u32 {
        match entry.ttl_left(self.request.now) {
            0 if self.stale => limits::TTL_STALE,
            left => left,
        }
    }
}

impl<'a> Walk<'a, '_> {
    /// Adds what proves an entry, for a client that validates.
    fn prove(&mut self, ttl: u32, proof: Proof<'_>) {
        let wanted = self.wants_proof();
        for ProofSet { owner, rtype, rdatas, signatures } in proof.iter().filter(|_| wanted) {
            if !self.reply.has_in_authority(owner, rtype) {
                let set = RrsetRef { rtype, ttl, rdatas, signatures };
                self.reply.signed(Section::Authority, owner, &set);
            }
        }
    }

    /// Adds what proves the aliases of the chain, now that the answer section is complete.
    pub(super) fn prove_aliases(&mut self, recursion: &'a Recursion) {
        let mut nth = 0;
        while let Some(owner) = self.reply.nth_alias(nth) {
            nth += 1;
            for realm in [recursion.realm, recursion.realm | BELOW_OWN_CUT] {
                let proven =
                    self.find(Learnt { recursion, realm }, owner.as_name(), Rtype::CNAME, |walk, entry| {
                        let ttl = walk.ttl(entry);
                        walk.prove(ttl, entry.proof);
                    });
                if proven.is_some() {
                    break;
                }
            }
        }
    }

    fn wants_proof(&self) -> bool {
        self.reply.is_dnssec_ok()
    }

    /// Whether the client would compare the response code with the proof.
    fn wants_proof_of_code(&self) -> bool {
        self.wants_proof() && !self.query.edns.is_some_and(|edns| edns.compact_ok)
    }
}

/// Whether a name is denied by an NSEC of its own (RFC 9824 §3.1).
fn is_compact(name: Name<'_>, proof: Proof<'_>) -> bool {
    let mut own = proof.iter().filter(|set| set.rtype == Rtype::NSEC && set.owner == name);
    own.any(|set| set.rdatas.iter().filter_map(Nsec::read).any(|nsec| nsec.types.has(Rtype::NXNAME)))
}

/// Where a link looks.
#[derive(Clone, Copy)]
struct Learnt<'a> {
    recursion: &'a Recursion,
    realm: u32,
}

/// The name in an entry's one record, which is a CNAME or DNAME.
fn only_name<'e>(entry: &Entry<'e>) -> Option<Name<'e>> {
    let Fact::Records { rdatas, .. } = entry.fact else { return None };
    Name::from_wire(rdatas.iter().next()?).ok()
}

/// Writes what an entry says of `name`.
fn write<'a>(walk: &mut Walk<'a, '_>, name: Name<'_>, rtype: Rtype, entry: &Entry<'_>) -> Link<'a> {
    let ttl = walk.ttl(entry);
    // What has run out may have been signed for no longer.
    let stale = walk.stale && entry.ttl_left(walk.request.now) == 0;
    walk.secure &= entry.verdict == Verdict::Secure && !stale;
    if stale {
        let ede = if rtype == Key::NXDOMAIN { Ede::STALE_NXDOMAIN_ANSWER } else { Ede::STALE_ANSWER };
        walk.reply.rcode = Rcode::NOERROR;
        walk.reply.remark(ede, "its time has run out, and nothing newer could be had in time");
    }
    match entry.fact {
        Fact::Records { rdatas, signatures } => {
            let target = match rtype {
                Rtype::CNAME if walk.query.question.rtype != Rtype::CNAME => {
                    rdatas.iter().next().and_then(|r| Name::from_wire(r).ok())
                }
                _ => None,
            };
            match target {
                _ if !walk.add_signed(name, &RrsetRef { rtype, ttl, rdatas, signatures }) => Link::Done,
                Some(target) => {
                    walk.unproven |= !entry.proof.as_bytes().is_empty();
                    walk.follow(target)
                }
                None => {
                    walk.prove(ttl, entry.proof);
                    Link::Done
                }
            }
        }
        Fact::Denied { soa_owner, soa, signatures } => {
            // RFC 9824 §5.1: who validates and does not know compact denial would find the code a lie.
            if rtype == Key::NXDOMAIN && !(walk.wants_proof_of_code() && is_compact(name, entry.proof)) {
                walk.reply.rcode = Rcode::NXDOMAIN;
            }
            if let Some(owner) = soa_owner {
                walk.reply.signed_record(Section::Authority, owner, Rtype::SOA, (ttl, soa), signatures);
            }
            walk.prove(ttl, entry.proof);
            Link::Done
        }
        Fact::Failed { rcode, ede, text } => {
            walk.reply.fail(rcode, Some((Ede(ede), text)));
            Link::Done
        }
    }
}
