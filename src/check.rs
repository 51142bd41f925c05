//! `waymark check`: reads config and zones as the daemon would, runs the zones' tests, and shows all that is wrong.

use crate::config::{Config, Diagnostics};
use crate::load::{Counts, Loader};
use crate::say;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

/// Checks the config and every zone it names. The exit code is 0 when all is well (warnings may be shown), 1 when the config,
/// a zone or a test is wrong, 2 when the config file cannot be read.
pub fn run(path: &Path) -> ExitCode {
    if let Err(why) = Config::readable(path) {
        say::err(format_args!("waymark: {why}"));
        return ExitCode::from(2);
    }
    let mut diagnostics = Diagnostics::default();
    let counts = look(path, &mut diagnostics);
    say::err(diagnostics.render(std::io::stderr().is_terminal()));
    if diagnostics.has_errors() {
        return ExitCode::FAILURE;
    }
    if let Some(Counts { fresh, records, .. }) = counts {
        let path = path.display();
        let zones = if fresh == 1 { "1 zone".into() } else { format!("{fresh} zones") };
        let _ = say::out(format_args!("{path}: the config and {zones} are good, {records} records"));
    }
    ExitCode::SUCCESS
}

/// Looks at the config and all it names; none when something could not be read at all.
fn look(path: &Path, diagnostics: &mut Diagnostics) -> Option<Counts> {
    // Also with errors in the config: the zones may have some of their own.
    let config = Config::load(path, diagnostics)?;
    Some(Loader::default().load(&config, diagnostics)?.counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told, sorted, of a config and the zone example.com beside it.
    fn told(config: &str, zone: &str) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("waymark.toml");
        std::fs::create_dir(directory.path().join("zones")).unwrap();
        std::fs::write(&path, format!("zones.directory = \"zones\"\n{config}")).unwrap();
        std::fs::write(directory.path().join("zones/example.com.toml"), zone).unwrap();
        let mut diagnostics = Diagnostics::default();
        look(&path, &mut diagnostics);
        let mut told: Vec<String> = diagnostics.iter().map(|told| told.message.clone()).collect();
        told.sort();
        told
    }

    #[test]
    fn every_stage_tells_its_errors_whatever_the_others_found() {
        let good = "[records]\n\"@\" = { NS = \"ns1\" }\nns1 = { A = \"192.0.2.1\" }\n";
        assert_eq!(told("", good), [""; 0]);
        let zone = "[records]\na = { A = \"x\" }\nb = { CNAME = [\"c\", \"d\"], TXT = \"x\" }\n\
                    p = { pool = \"p\", A = \"192.0.2.1\" }\n\"@\" = { pool = \"alias\" }\nx = { route = \"r\" }\n\
                    [pool]\np.members = \"192.0.2.1\"\nalias.cname = \"x\"\n\
                    [route]\nr.fallback = [\"p\", \"alias\"]";
        assert_eq!(
            told("log.level = \"loud\"", zone),
            [
                "\"loud\" is not a level",
                "A: the address must be an IPv4 address, not \"x\"",
                "b.example.com. has a CNAME and other data: a CNAME stands alone",
                "b.example.com. has more than one CNAME: keep one",
                "example.com. is the zone's own name, and its pools lead to a CNAME",
                "p.example.com. is steered, so its A comes from the pool: remove one of the two",
                "x.example.com. leads to itself: pool alias is a CNAME of it",
            ]
        );
    }
}
