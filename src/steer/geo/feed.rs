//! Geofeeds: what networks say themselves of where their prefixes are used (RFC 8805).

use super::overrides::Overrides;
use super::{Place, Said};
use crate::config::{
    Diagnostics, GeoConfig, Span, Stamp, continent_of, prefix_or_address, read_regular, two_letters,
};
use crate::limits;
use ipnet::IpNet;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The feeds of a config.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    /// Which version of each file was read; none where what it was before stands in for it.
    files: Vec<(PathBuf, Option<Stamp>)>,
    /// What is wrong in them.
    wrong: Vec<Wrong>,
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
        is_still: impl Fn(&Path) -> bool,
        diagnostics: &mut Diagnostics,
    ) -> Arc<Feeds> {
        let mut files: Vec<_> =
            config.geofeeds.iter().map(|file| (file.value.clone(), Stamp::of(&file.value))).collect();
        let mut places = Vec::new();
        for file in &config.geofeeds {
            places.push(diagnostics.place_in(&config.source, file.span));
        }
        let is_same =
            |before: &&Arc<Feeds>| before.files == files && files.iter().all(|file| file.1.is_some());
        if let Some(same) = before.filter(is_same) {
            for ((path, _), (place, wrong)) in same.files.iter().zip(places.iter().zip(&same.wrong)) {
                tell(path, *place, wrong, diagnostics);
            }
            return Arc::clone(same);
        }
        let (mut entries, mut all_wrong) = (Vec::new(), Vec::new());
        for ((i, place), (path, stamp)) in (0..).zip(places).zip(&mut files) {
            let last = before.and_then(|before| Some((before, before.place_of(path)?)));
            let (lines, wrong) = match last {
                Some((before, at)) if !is_still(path) => {
                    *stamp = before.files[at].1;
                    (before.lines_of(at), before.wrong[at].clone())
                }
                last => load(path, last.is_some_and(|(before, at)| before.has_lines(at))).unwrap_or_else(
                    |error| {
                        *stamp = None;
                        tell_refused(path, place, &error, last.is_some(), diagnostics);
                        let lines = last.map_or_else(Lines::new, |(before, at)| before.lines_of(at));
                        (lines, Wrong::default())
                    },
                ),
            };
            tell(path, place, &wrong, diagnostics);
            all_wrong.push(wrong);
            entries.extend(lines.into_iter().map(|(prefix, place, line)| (prefix, place, (i, line))));
        }
        Arc::new(Feeds { files, wrong: all_wrong, overrides: Overrides::new(entries) })
    }

    /// Which of the files it is.
    fn place_of(&self, path: &Path) -> Option<usize> {
        self.files.iter().position(|known| known.0 == path)
    }

    /// Whether a file says anything.
    fn has_lines(&self, at: usize) -> bool {
        self.overrides.entries().any(|(.., source)| source.0 as usize == at)
    }

    /// Whether they say the same.
    pub fn is_same(&self, other: &Feeds) -> bool {
        let paths = |feeds: &Feeds| feeds.files.iter().map(|file| file.0.clone()).collect::<Vec<_>>();
        std::ptr::eq(self, other) || (paths(self) == paths(other) && self.overrides == other.overrides)
    }

    /// What was read of a file.
    fn lines_of(&self, at: usize) -> Lines {
        let entries = self.overrides.entries().filter(|(.., source)| source.0 as usize == at);
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

/// Tells why a file is not taken, and what is.
fn tell_refused(path: &Path, place: Span, error: &io::Error, known: bool, diagnostics: &mut Diagnostics) {
    let stays = if known { "what it said before stays in force" } else { "nobody's place is known from it" };
    let message = format!("geo.geofeed {}: {error}; {stays}", path.display());
    diagnostics.error(Some(place), message).help = Some(match path.try_exists() {
        Ok(false) => "put it there, or name where it is".into(),
        _ => "it must be a geofeed (RFC 8805) that this user may read".into(),
    });
}

fn tell(path: &Path, place: Span, (wrong, count): &Wrong, diagnostics: &mut Diagnostics) {
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

/// Reads a file, of which a version before may have had lines.
///
/// # Errors
/// When it cannot be read, is too long, or has lines of which none is right: it is something else, such as a page that says why there is none.
/// So is one without a single octet that had lines before; whoever means to take all back leaves a comment.
fn load(path: &Path, had_lines: bool) -> io::Result<(Lines, Wrong)> {
    let (octets, _) = read_regular(path, limits::GEO_FILE)?;
    if octets.is_empty() && had_lines {
        return Err(io::Error::other("it is empty; a comment would take back all that it said"));
    }
    let text = String::from_utf8_lossy(&octets);
    let (mut lines, mut wrong, mut count) = (Lines::new(), Vec::new(), 0);
    let mut known = HashMap::new();
    for (line, text) in (1..).zip(text.lines()) {
        if line as usize > limits::GEOFEED_LINES {
            return Err(io::Error::other(format!("it has more than {} lines", limits::GEOFEED_LINES)));
        }
        let why = match parse(text) {
            Ok(None) => continue,
            Ok(Some((prefix, place))) => match known.entry(prefix) {
                Entry::Vacant(entry) => {
                    entry.insert(line);
                    lines.push((prefix, place, line));
                    continue;
                }
                // RFC 8805 §2.1.3: an error.
                Entry::Occupied(entry) => format!("{prefix} is in line {}, too, which counts", entry.get()),
            },
            Err(why) => why,
        };
        count += 1;
        if wrong.len() < limits::GEOFEED_TOLD {
            wrong.push((line, why));
        }
    }
    match wrong.first() {
        Some((line, why)) if lines.is_empty() => {
            Err(io::Error::other(format!("none of its lines is right; line {line}: {why}")))
        }
        _ => Ok((lines, (wrong, count))),
    }
}

/// A line; none for a comment. One may say nothing that is asked for here.
fn parse(line: &str) -> Result<Option<(IpNet, Place)>, String> {
    let line = line.split('#').next().unwrap_or_default().trim_start_matches('\u{feff}').trim();
    if line.is_empty() {
        return Ok(None);
    }
    let mut fields = line.split(',').map(|field| field.trim().trim_matches('"'));
    let mut field = || fields.next().unwrap_or_default();
    let (prefix, country, region, city, postcode) = (field(), field(), field(), field(), field());
    let net = prefix_or_address(prefix).ok_or_else(|| format!("{} is not a prefix", shown(prefix)))?;
    if net.addr() != net.network() {
        return Err(format!("{prefix} has bits beyond its length"));
    }
    // RFC 8805 §2.1.2: what is known of where the prefix is, from whomever, is not true any more. ZZ once said so.
    let is_blank = [country, region, city, postcode].iter().all(|field| field.is_empty());
    if is_blank || country.eq_ignore_ascii_case("ZZ") {
        let place = Place { country: Said::Unknown, location: Said::Unknown, ..Place::default() };
        return Ok(Some((net, place)));
    }
    let written = match region.split_once('-') {
        // The region has its country, too: DE-BE.
        Some((of_region, _)) if country.is_empty() => of_region,
        None if country.is_empty() && !region.is_empty() => {
            return Err(format!("{} is not a region of ISO 3166-2", shown(region)));
        }
        _ => country,
    };
    if written.is_empty() {
        return Ok(Some((net, Place::default())));
    }
    let code = two_letters(written).filter(|code| continent_of(*code).is_some());
    let code = code.ok_or_else(|| format!("{} is not a country of ISO 3166-1", shown(written)))?;
    Ok(Some((net, Place { country: Said::Known(code), ..Place::default() })))
}

/// What somebody wrote, cut to what is enough to find it by.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(limits::GEOFEED_SHOWN).collect::<String>())
}
