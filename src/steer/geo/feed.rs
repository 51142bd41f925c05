//! Geofeeds: what networks say themselves of where their prefixes are used (RFC 8805).

use super::overrides::Overrides;
use super::{Place, Said};
use crate::config::{
    Diagnostics, GeoConfig, Span, Stamp, continent_of, prefix_or_address, read_regular, two_letters,
};
use crate::limits;
use ipnet::IpNet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The feeds of a config.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    /// Which version of each file was read; none where what it was before stands in for it.
    files: Vec<(PathBuf, Option<Stamp>)>,
    /// Which file, and which line of it, says what.
    pub overrides: Overrides<(u32, u32)>,
}

/// What a file says: prefixes with the lines that say it.
type Lines = Vec<(IpNet, Place, u32)>;

/// Lines that are wrong, of which the first few are kept, and how many there are.
type Wrong = (Vec<(u32, String)>, usize);

impl Feeds {
    /// Reads the feeds, or takes those of `before` if no file has changed. A wrong line is told and left out. Of a file that cannot be read, or
    /// is no geofeed, that is told, and what it said when it was read before stands.
    pub fn open(
        config: &GeoConfig,
        before: Option<&Arc<Feeds>>,
        diagnostics: &mut Diagnostics,
    ) -> Arc<Feeds> {
        let mut files: Vec<_> =
            config.geofeeds.iter().map(|file| (file.value.clone(), Stamp::of(&file.value))).collect();
        if let Some(same) =
            before.filter(|before| before.files == files && files.iter().all(|file| file.1.is_some()))
        {
            return Arc::clone(same);
        }
        let mut entries = Vec::new();
        for ((i, file), (path, stamp)) in (0..).zip(&config.geofeeds).zip(&mut files) {
            let place = diagnostics.place_in(&config.source, file.span);
            let lines = match load(path) {
                Ok((lines, wrong)) => {
                    tell(path, place, wrong, diagnostics);
                    lines
                }
                Err(error) => {
                    *stamp = None;
                    let message = format!("geo.geofeed {}: {error}", path.display());
                    diagnostics.error(Some(place), message).help =
                        Some("it must be a geofeed (RFC 8805) that this user may read".into());
                    before.map_or_else(Lines::new, |before| before.lines_of(path))
                }
            };
            entries.extend(lines.into_iter().map(|(prefix, place, line)| (prefix, place, (i, line))));
        }
        Arc::new(Feeds { files, overrides: Overrides::new(entries) })
    }

    /// Whether they say the same.
    pub fn is_same(&self, other: &Feeds) -> bool {
        let paths = |feeds: &Feeds| feeds.files.iter().map(|file| file.0.clone()).collect::<Vec<_>>();
        std::ptr::eq(self, other) || (paths(self) == paths(other) && self.overrides == other.overrides)
    }

    /// What was read of a file.
    fn lines_of(&self, path: &Path) -> Lines {
        let is_of = |file: u32| self.files.get(file as usize).is_some_and(|known| known.0 == path);
        let entries = self.overrides.entries().filter(|(.., source)| is_of(source.0));
        let mut lines: Lines = entries.map(|(prefix, place, source)| (prefix, *place, source.1)).collect();
        lines.sort_by_key(|line| line.2);
        lines
    }

    /// The file and line of an entry.
    pub fn source(&self, (file, line): (u32, u32)) -> String {
        self.files
            .get(file as usize)
            .map_or_else(String::new, |(path, _)| format!("{}:{line}", path.display()))
    }
}

fn tell(path: &Path, place: Span, (wrong, count): Wrong, diagnostics: &mut Diagnostics) {
    let more = count - wrong.len();
    for (line, why) in wrong {
        diagnostics.warning(Some(place), format!("{}:{line}: {why}", path.display())).help = Some(
            "the line is left out; one is PREFIX,COUNTRY,REGION,CITY, as in 192.0.2.0/24,DE,DE-BE,Berlin, (RFC 8805)".into(),
        );
    }
    if more > 0 {
        diagnostics.warning(Some(place), format!("{}: {more} more lines are wrong", path.display()));
    }
}

/// Reads a file.
///
/// # Errors
/// When it cannot be read, is too long, or has lines of which none is right: it is something else, such as a page that says why there is none.
fn load(path: &Path) -> io::Result<(Lines, Wrong)> {
    let (octets, _) = read_regular(path, limits::GEO_FILE)?;
    let text = String::from_utf8_lossy(&octets);
    let (mut lines, mut wrong, mut count) = (Lines::new(), Vec::new(), 0);
    for (line, text) in (1..).zip(text.lines()) {
        if line as usize > limits::GEOFEED_LINES {
            return Err(io::Error::other(format!("it has more than {} lines", limits::GEOFEED_LINES)));
        }
        match parse(text) {
            Ok(Some((prefix, place))) => lines.push((prefix, place, line)),
            Ok(None) => (),
            Err(why) => {
                count += 1;
                if wrong.len() < limits::GEOFEED_TOLD {
                    wrong.push((line, why));
                }
            }
        }
    }
    match wrong.first() {
        Some((line, why)) if lines.is_empty() => {
            Err(io::Error::other(format!("none of its lines is right; line {line}: {why}")))
        }
        _ => Ok((lines, (wrong, count))),
    }
}

/// A line; none for a comment.
fn parse(line: &str) -> Result<Option<(IpNet, Place)>, String> {
    let line = line.split('#').next().unwrap_or_default().trim_start_matches('\u{feff}').trim();
    if line.is_empty() {
        return Ok(None);
    }
    let mut fields = line.split(',').map(|field| field.trim().trim_matches('"'));
    let mut field = || fields.next().unwrap_or_default();
    let (prefix, country, region) = (field(), field(), field());
    let net = prefix_or_address(prefix).ok_or_else(|| format!("{} is not a prefix", shown(prefix)))?;
    if net.addr() != net.network() {
        return Err(format!("{prefix} has bits beyond its length"));
    }
    // The region has its country, too: DE-BE.
    let written = if country.is_empty() { region.split('-').next().unwrap_or_default() } else { country };
    if written.is_empty() {
        // RFC 8805 §2.1.2: what is known of where the prefix is, from whomever, is not true any more.
        return Ok(Some((
            net,
            Place { country: Said::Unknown, location: Said::Unknown, ..Place::default() },
        )));
    }
    let code = two_letters(written).filter(|code| continent_of(*code).is_some());
    let code = code.ok_or_else(|| format!("{} is not a country of ISO 3166-1", shown(written)))?;
    Ok(Some((net, Place { country: Said::Known(code), ..Place::default() })))
}

/// What somebody wrote, cut to what is enough to find it by.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(limits::GEOFEED_SHOWN).collect::<String>())
}
