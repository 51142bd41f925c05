//! Trust over a restart, and what becomes of it in the log.

use crate::anchor::{Listed, Trust};
use crate::resolve::Known;
use crate::store::Store;
use std::io::{Read, Write};
use std::sync::Arc;
use tracing::{info, warn};

/// Its name in the store.
const FILE: &str = "trust.anchors";

/// The trust of a daemon, and what was told of it.
pub(super) struct Keeper {
    pub trust: Arc<Trust>,
    told: Vec<Listed>,
}

impl Keeper {
    pub fn new(trust: Trust) -> Keeper {
        Keeper { told: trust.list(), trust: Arc::new(trust) }
    }

    /// What a resolver knows that begins with this trust.
    pub fn known(&self) -> Arc<Known> {
        Arc::new(Known::new(Arc::clone(&self.trust)))
    }

    /// Takes what was kept. What cannot be read is set aside, to be looked at: the next change would write over it.
    pub fn recall(&mut self, store: &Store, now: u64) {
        let path = store.path(FILE);
        let text = match read(store) {
            Ok(Some(text)) => text,
            Ok(None) => return,
            Err(error) => return warn!("{}: trust begins with the config's: {error}", path.display()),
        };
        match self.trust.restore(&text, now) {
            Ok(()) => info!("trust anchors read from {}", path.display()),
            Err(error) => match store.set_aside(FILE) {
                Ok(aside) => warn!(
                    "{}: trust begins with the config's, revoked keys among it; the file is now {}: {error}",
                    path.display(),
                    aside.display()
                ),
                Err(failed) => {
                    warn!("{}: trust begins with the config's: {error}; {failed}", path.display());
                }
            },
        }
        self.told = self.trust.list();
    }

    /// Writes what has changed, and tells it.
    pub fn keep(&mut self, store: Option<&Store>) {
        let list = self.trust.list();
        for line in changes(&self.told, &list) {
            warn!("{line}");
        }
        self.told = list;
        let Some(store) = store else { return };
        let Some(text) = self.trust.unsaved() else { return };
        if let Err(error) = store.write(FILE, |out| out.write_all(text.as_bytes())) {
            self.trust.not_saved();
            warn!("{}: trust anchors are not kept: {error}", store.path(FILE).display());
        }
    }
}

fn read(store: &Store) -> std::io::Result<Option<String>> {
    let Some(mut file) = store.read(FILE)? else { return Ok(None) };
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(Some(text))
}

/// What has become of keys, and of zones that have none any more.
fn changes(before: &[Listed], now: &[Listed]) -> Vec<String> {
    let new = now.iter().filter(|key| !before.contains(key));
    let changed = |key: &&Listed| {
        !before.iter().any(|old| {
            (&old.zone, old.tag, old.algorithm, old.state) == (&key.zone, key.tag, key.algorithm, key.state)
        })
    };
    let key = |key: &Listed| format!("trust anchor {} {}: {}", key.zone, key.tag, key.state);
    let mut lines: Vec<String> = new.filter(changed).map(key).collect();
    let trusted = |list: &[Listed], zone| {
        let state = |key: &Listed| matches!(key.state, "valid" | "missing" | "configured");
        list.iter().any(|key| key.zone == zone && state(key))
    };
    let mut zones: Vec<_> = now.iter().map(|key| key.zone.clone()).collect();
    zones.dedup();
    for zone in zones.into_iter().filter(|zone| trusted(before, zone.clone()) && !trusted(now, zone.clone()))
    {
        lines.push(format!("no key of {zone} is trusted any more: all are revoked (RFC 5011 §5)"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_keys_and_a_zone_that_lost_its_trust_are_told() {
        let key = |tag: u16, state: &'static str| Listed {
            zone: "a.test.".parse().unwrap(),
            tag,
            algorithm: 13,
            state,
            since: None,
            until: None,
            source: "x".into(),
        };
        let before = [key(1, "valid"), key(2, "pending")];
        let told = |now: &[Listed]| changes(&before, now);
        assert_eq!(told(&before), [""; 0]);
        assert_eq!(told(&[Listed { since: Some(5), ..key(1, "valid") }, key(2, "pending")]), [""; 0]);
        assert_eq!(told(&[key(1, "missing"), key(2, "valid")]).len(), 2);
        assert_eq!(
            told(&[key(1, "revoked"), key(2, "pending")]),
            [
                "trust anchor a.test. 1: revoked",
                "no key of a.test. is trusted any more: all are revoked (RFC 5011 §5)"
            ]
        );
    }
}
