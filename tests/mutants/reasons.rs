//! Where we differ from what the peers agree on, and why that is right.

use crate::catalogue::{Mutant, Target};
use crate::tree::Proofs;

/// A reason to say something else.
struct Reason {
    /// Letters that we may say, and those that they say.
    said: (&'static str, &'static str),
    of: fn(&Mutant<'_>) -> bool,
    why: &'static str,
}

const ALL: &str = "ACNXacnx";
const SECURE: &str = "ACNX";
const INSECURE: &str = "acnx";

fn label(mutant: &Mutant<'_>, parts: &[&str]) -> bool {
    parts.iter().any(|part| mutant.kind.label.contains(part))
}

fn is_denial(mutant: &Mutant<'_>) -> bool {
    matches!(mutant.kind.target, Target::Denial(_) | Target::ParentDenial(_))
}

fn opts_out(mutant: &Mutant<'_>) -> bool {
    matches!(mutant.shape().denial, Proofs::Nsec3(_, _, true))
}

const REASONS: &[Reason] = &[
    // What we take and they do not.
    Reason {
        said: (ALL, "F"),
        of: |mutant| label(mutant, &["expired a minute ago", "begins in ten minutes"]),
        why: "clocks are wrong: a tenth of the validity, an hour at least and a day at most, is tolerated, \
              as by Unbound",
    },
    Reason {
        said: (ALL, "F"),
        of: |mutant| label(mutant, &["before the answer", "besides"]),
        why: "what was asked for is there and signed; what stands beside it is not looked at and not passed \
              on",
    },
    Reason {
        said: (ALL, "F"),
        of: |mutant| mutant.kind.target == Target::Soa || label(mutant, &["an SOA of the zone across"]),
        why: "NSEC and NSEC3 records prove a denial; without the SOA it is only not kept (RFC 2308 §5)",
    },
    Reason {
        said: (INSECURE, "F"),
        of: |mutant| label(mutant, &["algorithm 5", "algorithm 7"]),
        why: "RSA with SHA-1 is not checked any more, and zones that have nothing else are insecure (RFC \
              9905 §2)",
    },
    Reason {
        said: (ALL, "F"),
        of: |mutant| mutant.kind.label == "NXDOMAIN",
        why: "the response code is not signed, and the answer is",
    },
    Reason {
        said: (INSECURE, "F"),
        of: opts_out,
        why: "what is not signed may be of a delegation that opt-out hides: who can forge it can forge that \
              (RFC 5155 §12.2)",
    },
    Reason {
        said: (ALL, "F"),
        of: |mutant| label(mutant, &["after one of", "after one with"]),
        why: "one good signature is enough, whatever stands before it (RFC 4035 §5.3.3)",
    },
    Reason {
        said: (ALL, "F"),
        of: |mutant| mutant.kind.target == Target::Alias && label(mutant, &["one record more, signed"]),
        why: "of several CNAMEs at one name, which should not be (RFC 2181 §10.1), the first is followed",
    },
    Reason {
        said: ("AF", "AaF"),
        of: |mutant| label(mutant, &["and an empty one"]),
        why: "a DNSKEY without a key is malformed and left out: what is left is what is signed, or is not",
    },
    // What we do not take and they do.
    Reason {
        said: ("F", ALL),
        of: |mutant| label(mutant, &["no AA"]),
        why: "who has no authority for the zone serves another resolver's cache, or is not set up right",
    },
    Reason {
        said: ("F", ALL),
        of: |mutant| label(mutant, &["by the zone across"]),
        why: "the signer must be the zone that holds the set, and there is a delegation (RFC 4035 §5.3.1)",
    },
    Reason {
        said: ("F", ALL),
        of: |mutant| {
            is_denial(mutant)
                && label(mutant, &["of a wildcard", "labels -1, signed", "labels of the zone, signed"])
        },
        why: "an NSEC3 record stands at the hash of a name: no wildcard stands for one (RFC 5155 §3)",
    },
    Reason {
        said: ("F", ALL),
        of: |mutant| label(mutant, &["labels 0, signed", "labels below the zone's, signed"]),
        why: "with fewer labels than the signer's name it is a wildcard of a zone above (RFC 4035 §5.3.1)",
    },
    Reason {
        said: ("F", ALL),
        of: |mutant| label(mutant, &["next: short", "next: long"]),
        why: "a hash of SHA-1 has 20 octets; what has others is malformed (RFC 5155 §3.1.7)",
    },
    Reason {
        said: ("F", ALL),
        of: |mutant| label(mutant, &["flags 2", "flags 128"]),
        why: "NSEC3 records with unknown flags must be ignored (RFC 5155 §8.2)",
    },
    Reason {
        said: ("F", ALL),
        of: |mutant| label(mutant, &["iterations +1", "salt"]),
        why: "NSEC3 records of different parameters are no proof together (RFC 5155 §8.2)",
    },
    Reason {
        said: (INSECURE, SECURE),
        of: |mutant| matches!(mutant.shape().denial, Proofs::Nsec3(51.., ..)),
        why: "more than 50 iterations are not worth it (RFC 9276 §3.2); the peers allowed 150 before \
              CVE-2023-50868",
    },
    Reason {
        said: ("F", INSECURE),
        of: |mutant| is_denial(mutant) && label(mutant, &["NS, signed", "NS and no SOA, signed"]),
        why: "the record of a delegation says nothing of what is there but of its DS (RFC 6840 §4.1)",
    },
    Reason {
        said: ("F", INSECURE),
        of: |mutant| opts_out(mutant) && label(mutant, &["only an SOA", "no proofs"]),
        why: "a signed SOA makes it the zone's own denial, and that must be proven",
    },
];

/// Why we say something else, if that is right.
pub fn reason(mutant: &Mutant<'_>, agreed: u8, ours: u8) -> Option<&'static str> {
    let fits = |reason: &&Reason| {
        let (us, them) = reason.said;
        us.as_bytes().contains(&ours) && them.as_bytes().contains(&agreed) && (reason.of)(mutant)
    };
    REASONS.iter().find(fits).map(|reason| reason.why)
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static str> {
    REASONS.iter().map(|reason| reason.why)
}
