//! Where a client is: MMDB files, one or several, each giving what fields it has.

use crate::config::{Diagnostics, GeoConfig, read_regular};
use maxminddb::{PathElement, Reader, WithinOptions};
use serde::Deserialize;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a client is, looked up in MMDB files. Immutable.
pub struct Geo {
    databases: Vec<(PathBuf, Arc<Database>)>,
}

/// What is known of a client's place.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Located {
    pub country: Field<[u8; 2]>,
    pub continent: Field<[u8; 2]>,
    pub asn: Field<u32>,
    /// Latitude and longitude in degrees.
    pub place: Field<(f64, f64)>,
}

/// One thing that databases know of an address, or do not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Field<T> {
    pub value: Option<T>,
    /// The length of the prefix for which that holds.
    pub bits: u8,
}

impl<T> Field<T> {
    /// Takes what a database that has the field says of a prefix, unless one before it said something.
    fn fill(&mut self, has_field: bool, bits: u8, value: impl FnOnce() -> Option<T>) {
        if has_field && self.value.is_none() {
            *self = Field { value: value(), bits: self.bits.max(bits) };
        }
    }
}

/// One file and where its fields are.
struct Database {
    reader: Reader<Vec<u8>>,
    country: Option<Path>,
    continent: Option<Path>,
    asn: Option<Path>,
    latitude: Option<Path>,
    longitude: Option<Path>,
}

/// A dotted path to a field: at most three keys deep in any database there is.
#[derive(Clone)]
struct Path(Vec<String>);

/// Where the fields are in the databases of the field: GeoIP2 and GeoLite2, DB-IP, IPinfo, IP2Location.
const COUNTRY: &[&str] = &["country.iso_code", "country_code", "country"];
const CONTINENT: &[&str] = &["continent.code", "continent_code", "continent"];
const ASN: &[&str] = &["autonomous_system_number", "asn", "as_number"];
const LATITUDE: &[&str] = &["location.latitude", "latitude", "lat"];
const LONGITUDE: &[&str] = &["location.longitude", "longitude", "lng", "lon"];

/// Networks looked at to find where a database has its fields.
const SAMPLES: usize = 1_000;

/// A number, or text of one ("AS64500", "50.1").
#[derive(Deserialize)]
#[serde(untagged)]
enum Number<'a> {
    Unsigned(u32),
    Float(f64),
    Text(&'a str),
}

impl Path {
    fn new(dotted: &str) -> Path {
        Path(dotted.split('.').map(str::to_owned).collect())
    }

    /// The value at the path; none when it is not there or of another kind.
    fn get<'a, T: Deserialize<'a>>(&self, found: &maxminddb::LookupResult<'a, Vec<u8>>) -> Option<T> {
        let mut keys = [PathElement::Key(""), PathElement::Key(""), PathElement::Key("")];
        let keys = keys.get_mut(..self.0.len())?;
        for (element, key) in keys.iter_mut().zip(&self.0) {
            *element = PathElement::Key(key);
        }
        found.decode_path(keys).ok().flatten()
    }
}

fn code(text: &str) -> Option<[u8; 2]> {
    let code: [u8; 2] = text.as_bytes().try_into().ok()?;
    Some(code.map(|letter| letter.to_ascii_uppercase()))
}

fn whole(number: Number<'_>) -> Option<u32> {
    match number {
        Number::Unsigned(number) => Some(number),
        Number::Float(_) => None,
        Number::Text(text) => text.trim_start_matches("AS").parse().ok(),
    }
}

fn degrees(number: Number<'_>) -> Option<f64> {
    match number {
        Number::Unsigned(number) => Some(number.into()),
        Number::Float(number) => Some(number),
        Number::Text(text) => text.parse().ok(),
    }
}

impl Geo {
    /// Opens and verifies the configured files. One that is broken is an error at its place in the config, and what it was when it was
    /// opened `before` stands in for it; the others do not depend on it. None when there is nothing to look into.
    pub fn open(config: &GeoConfig, before: Option<&Geo>, diagnostics: &mut Diagnostics) -> Option<Geo> {
        let mut databases = Vec::new();
        for file in &config.databases {
            let opened = read_regular(&file.value)
                .map_err(Into::into)
                .and_then(Reader::from_source)
                .and_then(|reader| reader.verify().map(|()| reader));
            match opened {
                Ok(reader) => databases.push((file.value.clone(), Arc::new(Database::new(reader, config)))),
                Err(error) => {
                    let place = diagnostics.place_in(&config.source, file.span);
                    let message = format!("geo.database {}: {error}", file.value.display());
                    diagnostics.error(Some(place), message).help =
                        Some("it must be an MMDB file that this user may read".into());
                    let last = before.into_iter().flat_map(|geo| &geo.databases);
                    databases.extend(last.filter(|(path, _)| *path == file.value).cloned());
                }
            }
        }
        (!databases.is_empty()).then_some(Geo { databases })
    }

    /// What is known of an address.
    pub(super) fn locate(&self, address: IpAddr) -> Located {
        let mut located = Located::default();
        for (_, database) in &self.databases {
            let Ok(found) = database.reader.lookup(address) else { continue };
            let bits = found.network().map_or(0, |network| network.prefix());
            // An IPv4 address found in an IPv6 tree has its length counted there.
            let bits = if address.is_ipv4() && bits > 32 { bits.saturating_sub(96) } else { bits };
            let text =
                |path: &Option<Path>| path.as_ref().and_then(|path| path.get::<&str>(&found)).and_then(code);
            let number = |path: &Option<Path>| path.as_ref().and_then(|path| path.get::<Number<'_>>(&found));
            located.country.fill(database.country.is_some(), bits, || text(&database.country));
            located.continent.fill(database.continent.is_some(), bits, || text(&database.continent));
            located.asn.fill(database.asn.is_some(), bits, || number(&database.asn).and_then(whole));
            located.place.fill(database.latitude.is_some(), bits, || {
                let latitude = number(&database.latitude).and_then(degrees);
                latitude.zip(number(&database.longitude).and_then(degrees))
            });
        }
        located
    }
}

impl Database {
    /// Finds where the fields are: as configured, else where the first networks have them.
    fn new(reader: Reader<Vec<u8>>, config: &GeoConfig) -> Database {
        let locate =
            |configured: &Option<String>,
             candidates: &[&str],
             passes: &dyn Fn(&Path, &maxminddb::LookupResult<'_, Vec<u8>>) -> bool| {
                if let Some(path) = configured {
                    return Some(Path::new(path));
                }
                let networks = reader.networks(WithinOptions::default()).ok()?;
                let samples = networks.flatten().take(SAMPLES).filter(|network| network.has_data());
                for sample in samples {
                    if let Some(path) =
                        candidates.iter().map(|path| Path::new(path)).find(|path| passes(path, &sample))
                    {
                        return Some(path);
                    }
                }
                None
            };
        let is_code: &dyn Fn(&Path, &maxminddb::LookupResult<'_, Vec<u8>>) -> bool =
            &|path, found| path.get::<&str>(found).and_then(code).is_some();
        let is_number: &dyn Fn(&Path, &maxminddb::LookupResult<'_, Vec<u8>>) -> bool =
            &|path, found| path.get::<Number<'_>>(found).and_then(degrees).is_some();
        let is_asn: &dyn Fn(&Path, &maxminddb::LookupResult<'_, Vec<u8>>) -> bool =
            &|path, found| path.get::<Number<'_>>(found).and_then(whole).is_some();
        let (country, continent) =
            (locate(&config.country, COUNTRY, is_code), locate(&config.continent, CONTINENT, is_code));
        let asn = locate(&config.asn, ASN, is_asn);
        let (latitude, longitude) =
            (locate(&config.latitude, LATITUDE, is_number), locate(&config.longitude, LONGITUDE, is_number));
        Database { country, continent, asn, latitude, longitude, reader }
    }
}
