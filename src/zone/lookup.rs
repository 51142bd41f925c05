//! How a zone answers a name: RFC 1034 §4.3.2 steps 3a–3c with the wildcards of RFC 4592 and the DNAMEs of RFC 6672.

use super::tree::{Descent, Sought};
use super::{Node, Zone};
use crate::wire::{Name, NameBuf, Rtype};
use std::ops::ControlFlow;

/// What a zone has for a name and type.
#[derive(Clone)]
pub enum Lookup<'z> {
    /// The name exists, or a wildcard stands for it: its node answers, be it with a CNAME or with nothing.
    Name {
        /// The node.
        node: &'z Node,
        /// Whether it is a wildcard that the name does not spell out.
        wildcard: bool,
    },
    /// The name is at or below this delegation.
    Cut(&'z Node),
    /// The name is below this node, which has a DNAME.
    Dname(&'z Node),
    /// The name does not exist.
    Missing {
        /// Its closest ancestor that does (RFC 4592 §3.3.1).
        encloser: &'z Node,
    },
}

impl Zone {
    /// Looks up a name at or below the apex; one that is not is missing.
    pub fn lookup(&self, name: Name<'_>, rtype: Rtype) -> Lookup<'_> {
        self.look_up(&Sought::new(name), rtype)
    }

    /// The same for a name whose key is made.
    pub fn look_up(&self, sought: &Sought<'_>, rtype: Rtype) -> Lookup<'_> {
        let name = sought.name;
        let mut encloser = &self.apex_node;
        let stop = self.names.walk(sought, |node: &Node| {
            let exact = node.name().len() == name.len();
            // RFC 4035 §3.1.4.1: DS at a cut is the parent's own data.
            if node.is_cut() && !(exact && rtype == Rtype::DS) {
                return ControlFlow::Break(Lookup::Cut(node));
            }
            // RFC 6672 §2.3: a DNAME redirects what is below its owner, not the owner.
            if node.has_dname() && !exact {
                return ControlFlow::Break(Lookup::Dname(node));
            }
            encloser = node;
            ControlFlow::Continue(())
        });
        match stop {
            ControlFlow::Break(found) => found,
            ControlFlow::Continue(()) if encloser.name().len() == name.len() => {
                Lookup::Name { node: encloser, wildcard: false }
            }
            ControlFlow::Continue(()) => {
                self.wildcard_below(encloser).unwrap_or(Lookup::Missing { encloser })
            }
        }
    }

    /// The wildcard that stands for all missing names whose closest encloser this is.
    fn wildcard_below(&self, encloser: &Node) -> Option<Lookup<'_>> {
        if !encloser.has_wildcard_child() {
            return None;
        }
        let node = self.names.get(NameBuf::child(b"*", encloser.name()).ok()?.as_name())?;
        // RFC 4592 §4.2: a wildcard NS set has no defined meaning; the peers give a referral.
        Some(if node.is_cut() { Lookup::Cut(node) } else { Lookup::Name { node, wildcard: true } })
    }

    /// The way that a lookup of the name goes.
    pub(super) fn descent<'z>(&'z self, sought: &'z Sought<'_>) -> Option<Descent<'z, Node>> {
        self.names.descent(sought)
    }

    /// The node of exactly this name, also below a cut: for glue.
    pub fn node(&self, name: Name<'_>) -> Option<&Node> {
        self.names.get(name)
    }
}
