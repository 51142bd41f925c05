//! Geofeeds: what networks say themselves of where their prefixes are used (RFC 8805).

use super::files::{Stamp, read};
use super::overrides::Overrides;
use super::{Place, Said};
use crate::config::{Diagnostics, GeoConfig};
use crate::limits;
use ipnet::IpNet;
use std::path::PathBuf;
use std::sync::Arc;

/// The feeds of a config.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    files: Vec<(PathBuf, Option<Stamp>)>,
    /// Which file, and which line of it, says what.
    pub overrides: Overrides<(u32, u32)>,
}

impl Feeds {
    /// Reads the feeds, or takes those of `before` if no file has changed. A file that cannot be read, and a line that is wrong, is told and
    /// left out.
    pub fn open(
        config: &GeoConfig,
        before: Option<&Arc<Feeds>>,
        diagnostics: &mut Diagnostics,
    ) -> Arc<Feeds> {
        let files: Vec<_> =
            config.geofeeds.iter().map(|file| (file.value.clone(), Stamp::of(&file.value))).collect();
        if let Some(same) =
            before.filter(|before| before.files == files && files.iter().all(|file| file.1.is_some()))
        {
            return Arc::clone(same);
        }
        let mut entries = Vec::new();
        for (i, file) in config.geofeeds.iter().enumerate() {
            let place = diagnostics.place_in(&config.source, file.span);
            let text = match read(&file.value) {
                Ok(octets) => String::from_utf8_lossy(&octets).into_owned(),
                Err(error) => {
                    let message = format!("geo.geofeed {}: {error}", file.value.display());
                    diagnostics.error(Some(place), message).help =
                        Some("it must be a file that this user may read".into());
                    continue;
                }
            };
            let mut wrong = Vec::new();
            for (line, text) in (1..).zip(text.lines()).take(limits::GEOFEED_LINES) {
                match parse(text) {
                    Ok(Some((prefix, place))) => entries.push((prefix, place, (i as u32, line))),
                    Ok(None) => (),
                    Err(why) => wrong.push((line, why)),
                }
            }
            for (line, why) in wrong.iter().take(limits::GEOFEED_TOLD) {
                diagnostics.warning(Some(place), format!("{}:{line}: {why}", file.value.display())).help =
                    Some("the line is left out; one is PREFIX,COUNTRY,REGION,CITY, as in 192.0.2.0/24,DE,DE-BE,Berlin, (RFC 8805)".into());
            }
            if let Some(more) = wrong.len().checked_sub(limits::GEOFEED_TOLD).filter(|more| *more > 0) {
                diagnostics
                    .warning(Some(place), format!("{}: {more} more lines are wrong", file.value.display()));
            }
        }
        Arc::new(Feeds { files, overrides: Overrides::new(entries) })
    }

    /// The file and line of an entry.
    pub fn source(&self, (file, line): (u32, u32)) -> String {
        self.files
            .get(file as usize)
            .map_or_else(String::new, |(path, _)| format!("{}:{line}", path.display()))
    }
}

/// A line; none for a comment.
fn parse(line: &str) -> Result<Option<(IpNet, Place)>, String> {
    let line = line.split('#').next().unwrap_or_default().trim_start_matches('\u{feff}').trim();
    if line.is_empty() {
        return Ok(None);
    }
    let mut fields = line.split(',').map(|field| field.trim().trim_matches('"'));
    let prefix = fields.next().unwrap_or_default();
    let single = || prefix.parse::<std::net::IpAddr>().ok().map(IpNet::from);
    let net: IpNet =
        prefix.parse().ok().or_else(single).ok_or_else(|| format!("{prefix:?} is not a prefix"))?;
    if net.addr() != net.network() {
        return Err(format!("{prefix} has bits beyond its length"));
    }
    // RFC 8805 §2.1.1.2: an empty country says that the place of the prefix is not to be told.
    let country = match fields.next().unwrap_or_default() {
        "" => Said::Unknown,
        text => {
            Said::Known(super::code(text).ok_or_else(|| format!("{text:?} is not a country of two letters"))?)
        }
    };
    Ok(Some((net, Place { country, ..Place::default() })))
}
