//! RRSIG records as views of their data, and the octets that they sign.

use super::Algorithm;
use crate::rrset::{self, Rdatas};
use crate::wire::{Class, Name, Rtype, read_u16, read_u32};

/// An RRSIG record's data (RFC 4034 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rrsig<'a> {
    rdata: &'a [u8],
    /// The type that is signed.
    pub covered: Rtype,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Labels of the name that was signed: fewer than the owner has where a wildcard stands for it.
    pub labels: u8,
    /// The TTL that was signed, seconds.
    pub original_ttl: u32,
    /// When it ends, seconds of Unix time modulo 2³² (RFC 1982).
    pub expiration: u32,
    /// When it begins, likewise.
    pub inception: u32,
    /// The tag of the key.
    pub tag: u16,
    /// The zone whose key it is.
    pub signer: Name<'a>,
    /// The signature.
    pub signature: &'a [u8],
}

/// Octets before the signer's name.
const FIXED: usize = 18;

impl<'a> Rrsig<'a> {
    /// Reads record data.
    pub fn read(rdata: &'a [u8]) -> Option<Rrsig<'a>> {
        let (signer, signature) = Name::parse(rdata.get(FIXED..)?).ok()?;
        Some(Rrsig {
            rdata,
            covered: Rtype(read_u16(rdata, 0)?),
            algorithm: Algorithm(rdata[2]),
            labels: rdata[3],
            original_ttl: read_u32(rdata, 4)?,
            expiration: read_u32(rdata, 8)?,
            inception: read_u32(rdata, 12)?,
            tag: read_u16(rdata, 16)?,
            signer,
            signature,
        })
    }
}

/// The octets that a signature is made over (RFC 4034 §3.1.8.1), made in one piece of memory that is used again.
#[derive(Default)]
pub struct SignedData {
    octets: Vec<u8>,
    /// Record data made canonical, one after the other, and where each begins and ends.
    canonical: Vec<u8>,
    places: Vec<(usize, usize)>,
}

impl SignedData {
    /// The octets for an RRset. None when the signature has more labels than the owner, so that it signs something else.
    pub fn of(
        &mut self,
        owner: Name<'_>,
        rtype: Rtype,
        rdatas: Rdatas<'_>,
        sig: &Rrsig<'_>,
    ) -> Option<&[u8]> {
        let labels = signed_labels(owner);
        let wildcard = match labels.checked_sub(sig.labels as usize)? {
            0 => false,
            // RFC 4035 §5.3.2: what is signed is the wildcard that stands for the name.
            _ => true,
        };
        let mut name =
            owner.suffix(sig.labels as usize + usize::from(!wildcard && owner.is_wildcard())).to_buf();
        name.make_lowercase();
        self.canonicalise(rtype, rdatas);
        let SignedData { octets, canonical, places } = self;
        octets.clear();
        octets.extend_from_slice(&sig.rdata[..FIXED]);
        let signer = octets.len();
        octets.extend_from_slice(sig.signer.as_bytes());
        octets[signer..].make_ascii_lowercase();
        for &(from, to) in places.iter() {
            if wildcard {
                octets.extend_from_slice(b"\x01*");
            }
            octets.extend_from_slice(name.as_name().as_bytes());
            octets.extend_from_slice(&rtype.0.to_be_bytes());
            octets.extend_from_slice(&Class::IN.0.to_be_bytes());
            octets.extend_from_slice(&sig.original_ttl.to_be_bytes());
            octets.extend_from_slice(&((to - from) as u16).to_be_bytes());
            octets.extend_from_slice(&canonical[from..to]);
        }
        Some(octets)
    }

    /// Makes the records canonical and sorts them; what is there twice counts once (RFC 4034 §6.2, §6.3).
    fn canonicalise(&mut self, rtype: Rtype, rdatas: Rdatas<'_>) {
        let SignedData { canonical, places, .. } = self;
        canonical.clear();
        places.clear();
        for rdata in rdatas.iter() {
            let from = canonical.len();
            canonical.extend_from_slice(rdata);
            rrset::make_canonical(rtype, &mut canonical[from..]);
            places.push((from, canonical.len()));
        }
        let octets = |&(from, to): &(usize, usize)| &canonical[from..to];
        places.sort_unstable_by(|a, b| octets(a).cmp(octets(b)));
        places.dedup_by(|a, b| octets(a) == octets(b));
    }
}

/// Labels of an owner as RRSIGs count them: without the root's and a leading `*` (RFC 4034 §3.1.3).
pub fn signed_labels(owner: Name<'_>) -> usize {
    owner.label_count() - usize::from(owner.is_wildcard())
}
