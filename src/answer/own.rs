//! A link of the chain in an own zone: its data, a wildcard's, an alias, a steered choice, a referral, or the proof that there is
//! nothing (RFC 1034 §4.3.2).

use super::{Link, Recursion, Source, Walk};
use crate::rrset::{Rdatas, additional_name};
use crate::steer::{self, Choice, Cursor, Draw, Family, Policy, Steering};
use crate::wire::{Ede, Name, NameBuf, Rcode, Rtype, Section};
use crate::zone::tree::Sought;
use crate::zone::{Denied, Held, Lookup, Node, RrsetRef, SteerId, Zone};
use std::net::IpAddr;

impl<'a> Walk<'a, '_> {
    /// Answers `name` from the own zone that holds it.
    pub(super) fn own_link(&mut self, name: Name<'_>, first: bool) -> Link<'a> {
        let rtype = self.query.question.rtype;
        let mut sought = Sought::EMPTY;
        sought.set(name);
        let Some(held) = self.held(&sought, rtype) else { return Link::Unknown };
        if first {
            self.zone = held.apex.as_name();
        }
        let zone = match &held.state {
            Ok(zone) => &**zone,
            Err(why) => {
                self.reply.source = Source::Zone;
                self.reply.fail(Rcode::SERVFAIL, Some((Ede::NOT_READY, why)));
                return Link::Done;
            }
        };
        let found = zone.look_up(&sought, rtype);
        let referral = matches!(found, Lookup::Cut(_));
        if first && !referral {
            self.reply.set_authoritative();
        }
        self.reply.source = Source::Zone;
        match found {
            Lookup::Name { node, wildcard } => {
                self.made_up |= wildcard;
                self.own_name(held, zone, (node, wildcard), name)
            }
            Lookup::Dname(node) => {
                self.made_up = true;
                self.own_dname(node, name)
            }
            Lookup::Cut(node) => {
                self.referral = true;
                self.own_cut(zone, node)
            }
            Lookup::Missing { encloser } => {
                // RFC 6604 §3: the response code is that of the last name of the chain.
                self.reply.rcode = Rcode::NXDOMAIN;
                self.deny(zone, u32::MAX);
                self.prove_own(zone, name, Denied::Name(encloser.name()))
            }
        }
    }

    /// The zone that holds the name: the longest match among own zones, forwards and stubs, then special-use names.
    fn held(&self, sought: &Sought<'_>, rtype: Rtype) -> Option<&'a Held> {
        let (name, own) = (sought.name, self.view.zones.find_sought(sought, rtype));
        let Some(Recursion { upstreams, special, .. }) = self.recursion else { return own };
        // DS belongs to the parent (RFC 4035 §3.1.4.1), which is not here but can be asked.
        let asks_parent = |held: &&Held| rtype == Rtype::DS && held.apex.as_name() == name && !name.is_root();
        if own.as_ref().is_some_and(asks_parent) {
            return None;
        }
        let beaten = |held: &&Held| {
            upstreams.closest(sought).is_none_or(|zone| zone.0.as_name().len() <= held.apex.as_name().len())
        };
        match own {
            Some(own) => Some(own).filter(beaten),
            None => special
                .find_sought(sought, rtype)
                .filter(|_| upstreams.closest(sought).is_none_or(|zone| zone.0.as_name().is_root())),
        }
    }

    /// A node that exists or, if it is a wildcard, stands for the name: its RRset of the type, its alias, or nothing.
    fn own_name(
        &mut self,
        held: &'a Held,
        zone: &'a Zone,
        (node, wildcard): (&'a Node, bool),
        name: Name<'_>,
    ) -> Link<'a> {
        let rtype = self.query.question.rtype;
        let steering = held.policy.and_then(|policy| self.view.steering.get(policy));
        // A denial may not outlive what makes it.
        let mut denial_ttl = u32::MAX;
        if let (Some(id), Some(steering)) = (node.steered(), steering) {
            match self.steered(zone, steering, id, name) {
                Ok(link) => return link,
                Err(ttl) => denial_ttl = ttl,
            }
        }
        if wildcard && self.reply.is_dnssec_ok() {
            self.expand(zone, node, name);
        }
        let set = match rtype {
            Rtype::RRSIG if node.rrsets().any(|set| !set.signatures.is_empty()) => {
                self.reply.signatures(name, node.rrsets());
                return Link::Done;
            }
            // RFC 8482 §4.1: one RRset stands for all.
            Rtype::ANY => node.rrsets().next(),
            _ => node.rrset(rtype),
        };
        if let Some(set) = set {
            if let (Some(id), Some(steering)) = (node.steered(), steering)
                && self.add_hinted(steering, id, name, &set)
            {
                return Link::Done;
            }
            if self.add_signed(name, &set) {
                self.addresses_of(zone, &set);
            }
            return Link::Done;
        }
        // RFC 4035 §2.5: these stand beside a CNAME, and so are not looked for where it leads.
        let beside = matches!(rtype, Rtype::NSEC | Rtype::RRSIG);
        match node.rrset(Rtype::CNAME).filter(|_| !beside) {
            Some(alias) => {
                let target = alias.rdatas.iter().next().and_then(|rdata| Name::from_wire(rdata).ok());
                match target {
                    Some(target) if self.add_signed(name, &alias) => self.follow(target),
                    _ => Link::Done,
                }
            }
            None => {
                self.deny(zone, denial_ttl);
                let denied = if wildcard { Denied::ExpandedType(node.name()) } else { Denied::Type };
                self.prove_own(zone, name, denied)
            }
        }
    }

    /// A steered name.
    ///
    /// # Errors
    /// Where its policy has no say over the type: for how many seconds that stays so.
    fn steered(
        &mut self,
        zone: &'a Zone,
        steering: &'a Steering,
        id: SteerId,
        name: Name<'_>,
    ) -> Result<Link<'a>, u32> {
        let rtype = self.query.question.rtype;
        let (families, cursor): (&[Family], _) = match rtype {
            Rtype::A => (&[Family::V4], Cursor::Take),
            Rtype::AAAA => (&[Family::V6], Cursor::Take),
            // RFC 8482 §4.1: one RRset that exists.
            Rtype::ANY => (&[Family::V4, Family::V6], Cursor::Take),
            // Where it answers A with a CNAME, the CNAME stands for every type.
            _ if steering.policy.may_alias(id) => (&[Family::V4], Cursor::Peek),
            _ => return Err(u32::MAX),
        };
        self.reseed();
        // A reply that will not leave takes no turn.
        let moves = if cursor == Cursor::Take && self.is_spent() { Cursor::Peek } else { cursor };
        let mut ttl = u32::MAX;
        for &family in families {
            let choice = self.choose(steering, id, family, moves);
            ttl = ttl.min(choice.ttl);
            let is_said = match choice.answer {
                steer::Answer::Cname(_) => true,
                steer::Answer::Addresses { .. } => cursor == Cursor::Take,
                // The other family may have something for who asks for any.
                steer::Answer::NoData => cursor == Cursor::Take && rtype != Rtype::ANY,
                steer::Answer::ServFail => {
                    cursor == Cursor::Take && (rtype != Rtype::ANY || family == Family::V6)
                }
            };
            if is_said {
                self.reply.source = Source::Steered;
                return Ok(self.chosen(zone, &steering.policy, name, &choice));
            }
        }
        Err(ttl)
    }

    /// Goes on to the next random number.
    pub(super) fn reseed(&mut self) {
        *self.seed = self.seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
    }

    /// What a steered name comes to for this client, in one family.
    pub(super) fn choose(
        &mut self,
        steering: &'a Steering,
        id: SteerId,
        family: Family,
        cursor: Cursor,
    ) -> Choice<'a> {
        let draw = Draw { seed: *self.seed, now: self.view.epoch + self.request.now.as_secs(), cursor };
        let choice = steering.policy.choose(id, family, &self.client, &steering.health, draw);
        self.reply.narrow(choice.scope);
        choice
    }

    /// Answers with what was chosen for a steered name.
    fn chosen(
        &mut self,
        zone: &'a Zone,
        policy: &'a Policy,
        name: Name<'_>,
        choice: &Choice<'a>,
    ) -> Link<'a> {
        match choice.answer {
            steer::Answer::Addresses { picked, count } => {
                let picked = picked[..count as usize].iter().map(|&member| policy.address(member));
                self.add_addresses(name, choice.ttl, picked);
                Link::Done
            }
            steer::Answer::Cname(target) => {
                let added = self.add_alias(name, choice.ttl, target);
                // RFC 8482 §4.1: to ANY it is the one RRset, as it is to CNAME.
                let follow = added && !matches!(self.query.question.rtype, Rtype::CNAME | Rtype::ANY);
                if follow { self.follow(target) } else { Link::Done }
            }
            // The denial may not outlive the state it follows from. What the zone's chain says of the name is not of this choice.
            steer::Answer::NoData => {
                self.deny(zone, choice.ttl);
                Link::Done
            }
            steer::Answer::ServFail => {
                let why = (Ede::NO_REACHABLE_AUTHORITY, "every member of the pool is down");
                self.reply.fail(Rcode::SERVFAIL, Some(why));
                Link::Done
            }
        }
    }

    /// Adds a CNAME that stands in no zone; says whether there was room.
    fn add_alias(&mut self, name: Name<'_>, ttl: u32, target: Name<'_>) -> bool {
        let mut rdata = [0; 257];
        rdata[1] = target.len() as u8;
        rdata[2..2 + target.len()].copy_from_slice(target.as_bytes());
        self.add_answer(name, Rtype::CNAME, ttl, Rdatas::stored(&rdata[..2 + target.len()]))
    }

    /// Writes an address RRset of chosen members.
    fn add_addresses(&mut self, name: Name<'_>, ttl: u32, members: impl Iterator<Item = IpAddr>) {
        let (mut rdatas, mut len, mut rtype) = ([0; 18 * 8], 0, Rtype::A);
        for address in members.take(8) {
            let (octets, width) = match address {
                IpAddr::V4(v4) => (v4.to_ipv6_mapped().octets(), 4),
                IpAddr::V6(v6) => (v6.octets(), 16),
            };
            rtype = if width == 4 { Rtype::A } else { Rtype::AAAA };
            rdatas[len + 1] = width as u8;
            rdatas[len + 2..len + 2 + width].copy_from_slice(&octets[16 - width..]);
            len += 2 + width;
        }
        self.add_answer(name, rtype, ttl, Rdatas::stored(&rdatas[..len]));
    }

    /// A name below a DNAME: the DNAME and the CNAME it makes of the name (RFC 6672 §3.1).
    fn own_dname(&mut self, node: &'a Node, name: Name<'_>) -> Link<'a> {
        let Some(set) = node.rrset(Rtype::DNAME) else { return Link::Done };
        let target = set.rdatas.iter().next().and_then(|rdata| Name::from_wire(rdata).ok());
        let there = self.add_signed(node.name(), &set);
        let (Some(target), true) = (target, there) else { return Link::Done };
        let Ok(alias) = NameBuf::substitute(name, node.name(), target) else {
            self.reply.rcode = Rcode::YXDOMAIN;
            return Link::Done;
        };
        let added = self.add_alias(name, set.ttl, alias.as_name());
        // A question for the CNAME itself is answered by the one just made.
        let follow = added && !matches!(self.query.question.rtype, Rtype::CNAME | Rtype::ANY);
        if follow { self.follow(alias.as_name()) } else { Link::Done }
    }

    /// A name at or below a delegation: followed for those who may, else the referral with its glue.
    fn own_cut(&mut self, zone: &'a Zone, cut: &'a Node) -> Link<'a> {
        let Some(servers) = cut.rrset(Rtype::NS) else { return Link::Done };
        if self.recursion.is_some() {
            return Link::Delegated(zone, cut);
        }
        if !self.reply.rrset(Section::Authority, cut.name(), Rtype::NS, servers.ttl, servers.rdatas) {
            return Link::Done;
        }
        if self.reply.is_dnssec_ok() {
            // RFC 4035 §3.1.4: how the child is signed, or the proof that it need not be.
            match cut.rrset(Rtype::DS).filter(|set| !set.signatures.is_empty()) {
                Some(set) if !self.reply.signed(Section::Authority, cut.name(), &set) => return Link::Done,
                Some(_) => self.write_proofs(),
                None => {
                    self.prove_own(zone, cut.name(), Denied::Type);
                }
            }
        }
        // RFC 9471 §3.1: without the glue of servers below the cut the referral is of no use; the rest comes where there is room.
        for needed in [true, false] {
            let targets = servers.rdatas.iter().filter_map(|rdata| additional_name(Rtype::NS, rdata));
            for target in targets.filter(|target| target.is_within(cut.name()) == needed) {
                let Some(node) = zone.node(target) else { continue };
                if !self.addresses(target, node) && needed {
                    self.reply.truncate();
                }
            }
        }
        Link::Done
    }

    /// Adds the addresses that an answer's names need (RFC 1034 §4.3.2 step 6), from the same zone.
    fn addresses_of(&mut self, zone: &'a Zone, set: &RrsetRef<'_>) {
        if !matches!(set.rtype, Rtype::NS | Rtype::MX | Rtype::SRV | Rtype::SVCB | Rtype::HTTPS) {
            return;
        }
        self.write_proofs();
        let targets = || set.rdatas.iter().filter_map(|rdata| additional_name(set.rtype, rdata));
        for (i, target) in targets().enumerate() {
            let known = targets().take(i).any(|earlier| earlier == target);
            if known || !target.is_within(zone.apex()) {
                continue;
            }
            match zone.lookup(target, Rtype::A) {
                // Its signatures are worth nothing without the proof that it had to.
                Lookup::Name { wildcard: true, .. } if self.reply.is_dnssec_ok() => (),
                Lookup::Name { node, .. } => {
                    self.addresses(target, node);
                }
                _ => (),
            }
        }
    }

    /// Adds the addresses of a node as those of `name`; says whether there was room.
    fn addresses(&mut self, name: Name<'_>, node: &Node) -> bool {
        let mut fits = true;
        for set in [Rtype::A, Rtype::AAAA].iter().filter_map(|&rtype| node.rrset(rtype)) {
            fits &= self.reply.signed(Section::Additional, name, &set);
        }
        fits
    }

    /// Adds the SOA that says a name or type does not exist (RFC 2308 §3), kept no longer than `ttl_max`.
    fn deny(&mut self, zone: &'a Zone, ttl_max: u32) {
        let ttl = zone.negative_ttl().min(ttl_max);
        self.reply.signed(Section::Authority, zone.apex(), &RrsetRef { ttl, ..zone.soa() });
    }

    /// Ends the answer with the proof of this, for a client that wants it.
    fn prove_own(&mut self, zone: &'a Zone, name: Name<'_>, denied: Denied<'_>) -> Link<'a> {
        if self.reply.is_dnssec_ok() {
            for (owner, set) in zone.proof(name, denied).rrsets() {
                self.reply.signed(Section::Authority, owner, &set);
            }
            self.write_proofs();
        }
        Link::Done
    }

    /// Keeps the proof that a wildcard had to stand for the name.
    fn expand(&mut self, zone: &'a Zone, wildcard: &Node, name: Name<'_>) {
        let proof = zone.proof(name, Denied::Expanded(wildcard.name()));
        if let (Some(node), Some(place)) = (proof.first(), self.proofs.iter_mut().find(|p| p.is_none())) {
            *place = Some(node);
        }
    }

    /// Writes the proofs that were kept, each once; of a failure nothing else is said.
    pub(super) fn write_proofs(&mut self) {
        if self.proofs[0].is_none()
            || !matches!(self.reply.rcode, Rcode::NOERROR | Rcode::NXDOMAIN | Rcode::YXDOMAIN)
        {
            return;
        }
        for node in std::mem::take(&mut self.proofs).into_iter().flatten() {
            let set = [Rtype::NSEC, Rtype::NSEC3].into_iter().find_map(|rtype| node.rrset(rtype));
            if let Some(set) = set
                && !self.reply.has_in_authority(node.name(), set.rtype)
            {
                self.reply.signed(Section::Authority, node.name(), &set);
            }
        }
    }
}
