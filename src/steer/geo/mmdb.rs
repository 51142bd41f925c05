//! MMDB files: where each has its fields, and what it says of an address.

use super::{Gives, Place};
use crate::config::{GeoConfig, Spanned, Stamp, read_regular, two_letters};
use crate::health;
use crate::limits;
use maxminddb::{MaxMindDbError, PathElement, Reader, WithinOptions};
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// One file and where its fields are.
pub(super) struct Database {
    pub path: PathBuf,
    /// Which version of the file it is.
    stamp: Option<Stamp>,
    /// Where the config says that fields are.
    configured: [Option<String>; 5],
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
const ASN: &[&str] = &["autonomous_system_number", "asn", "as_number", "traits.autonomous_system_number"];
const LATITUDE: &[&str] = &["location.latitude", "latitude", "lat"];
const LONGITUDE: &[&str] = &["location.longitude", "longitude", "lng", "lon"];

/// How files compressed by gzip begin, as which some publishers give theirs.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// Networks looked at to find where a database has its fields.
const SAMPLES: usize = 1_000;

/// What a database has of an address.
type Found<'r> = maxminddb::LookupResult<'r, Vec<u8>>;

/// A number, or text of one ("AS64500", "50.1").
enum Number<'a> {
    Whole(i64),
    Float(f64),
    Text(&'a str),
}

// By hand: what serde derives for one of several forms allocates, and this is read for each client.
impl<'de> Deserialize<'de> for Number<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number<'de>, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or text of one")
    }

    fn visit_i64<E: de::Error>(self, whole: i64) -> Result<Number<'de>, E> {
        Ok(Number::Whole(whole))
    }

    fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Number<'de>, E> {
        i64::try_from(whole).map(Number::Whole).map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, float: f64) -> Result<Number<'de>, E> {
        Ok(Number::Float(float))
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Number<'de>, E> {
        Ok(Number::Text(text))
    }
}

impl Path {
    fn new(dotted: &str) -> Path {
        Path(dotted.split('.').map(str::to_owned).collect())
    }

    /// The value at the path; none when it is not there or of another kind.
    fn get<'a, T: Deserialize<'a>>(&self, found: &Found<'a>) -> Option<T> {
        let mut keys = [PathElement::Key(""), PathElement::Key(""), PathElement::Key("")];
        let keys = keys.get_mut(..self.0.len())?;
        for (element, key) in keys.iter_mut().zip(&self.0) {
            *element = PathElement::Key(key);
        }
        found.decode_path(keys).ok().flatten()
    }
}

fn whole(number: Number<'_>) -> Option<u32> {
    match number {
        Number::Whole(number) => number.try_into().ok(),
        Number::Float(_) => None,
        Number::Text(text) => text.trim_start_matches("AS").parse().ok(),
    }
}

fn degrees(number: Number<'_>) -> Option<f64> {
    match number {
        Number::Whole(number) => Some(number as f64),
        Number::Float(number) => Some(number),
        Number::Text(text) => text.parse().ok(),
    }
}

impl Database {
    /// What a version that follows this one lacks, in words: things that it says of nobody, a family, or half of its tree.
    pub fn lost_by(&self, next: &Database) -> Option<String> {
        let (own, its) = (self.reader.metadata(), next.reader.metadata());
        let things = self.gives().lacking(next.gives());
        if !things.is_empty() {
            return Some(format!("it does not say the {} of addresses any more", things.join(" and ")));
        }
        if own.ip_version > its.ip_version {
            return Some("it has no IPv6 any more".into());
        }
        let is_cut = u64::from(its.node_count) * 2 < u64::from(own.node_count);
        is_cut.then(|| format!("its tree has {} nodes, and had {}", its.node_count, own.node_count))
    }

    /// When it was built.
    pub fn built(&self) -> String {
        health::time(self.reader.metadata().build_epoch)
    }

    /// Opens and verifies a file; the one of before is the same where neither the file nor the config has changed.
    ///
    /// # Errors
    /// When it cannot be read or is no sound MMDB file.
    pub fn open(
        file: &Spanned<PathBuf>,
        config: &GeoConfig,
        before: Option<&Arc<Database>>,
    ) -> Result<Arc<Database>, MaxMindDbError> {
        let (path, stamp) = (&file.value, Stamp::of(&file.value));
        let configured = config.fields.clone().map(|path| path.map(|path| path.value));
        let same = |before: &&Arc<Database>| {
            before.stamp == stamp && stamp.is_some() && before.configured == configured
        };
        if let Some(same) = before.filter(same) {
            return Ok(Arc::clone(same));
        }
        let (octets, stamp) = read_regular(path, limits::GEO_FILE)?;
        if octets.starts_with(GZIP) {
            return Err(MaxMindDbError::invalid_database("it is compressed: unpack it with gunzip"));
        }
        let reader = Reader::from_source(octets)?;
        verify(&reader)?;
        let mut database = Database {
            path: path.clone(),
            stamp: Some(stamp),
            configured: configured.clone(),
            country: None,
            continent: None,
            asn: None,
            latitude: None,
            longitude: None,
            reader,
        };
        let [country, continent, asn, latitude, longitude] = configured;
        let is_code =
            |path: &Path, found: &Found<'_>| path.get::<&str>(found).and_then(two_letters).is_some();
        let is_number =
            |path: &Path, found: &Found<'_>| path.get::<Number<'_>>(found).and_then(degrees).is_some();
        let is_asn = |path: &Path, found: &Found<'_>| path.get::<Number<'_>>(found).and_then(whole).is_some();
        database.country = database.field(country, COUNTRY, is_code);
        database.continent = database.field(continent, CONTINENT, is_code);
        database.asn = database.field(asn, ASN, is_asn);
        database.latitude = database.field(latitude, LATITUDE, is_number);
        database.longitude = database.field(longitude, LONGITUDE, is_number);
        Ok(Arc::new(database))
    }

    /// Where a field is: as configured if any network has it there, else where the first ones have it: one path is for all files,
    /// and those of another layout have theirs elsewhere.
    fn field(
        &self,
        configured: Option<String>,
        candidates: &[&str],
        passes: impl Fn(&Path, &Found<'_>) -> bool,
    ) -> Option<Path> {
        let networks = || {
            let networks = self.reader.networks(WithinOptions::default()).into_iter().flatten().flatten();
            networks.filter(|network| network.has_data())
        };
        if let Some(path) = configured.as_deref().map(Path::new)
            && networks().any(|network| passes(&path, &network))
        {
            return Some(path);
        }
        networks().take(SAMPLES).find_map(|sample| {
            candidates.iter().map(|path| Path::new(path)).find(|path| passes(path, &sample))
        })
    }

    /// Which of [`GeoConfig::FIELDS`] are where the config says.
    pub fn as_configured(&self) -> [bool; 5] {
        let found = [&self.country, &self.continent, &self.asn, &self.latitude, &self.longitude];
        let found = found.map(|path| path.as_ref().map(|path| path.0.join(".")));
        std::array::from_fn(|i| found[i].is_some() && found[i] == self.configured[i])
    }

    /// Of which things it may say anything.
    pub fn gives(&self) -> Gives {
        Gives {
            country: self.country.is_some(),
            continent: self.country.is_some() || self.continent.is_some(),
            asn: self.asn.is_some(),
            location: self.latitude.is_some() && self.longitude.is_some(),
        }
    }

    /// What it says of an address, of the things that are wanted, and the length of the prefix of which it says so.
    pub fn find(&self, address: IpAddr, wanted: Gives) -> Option<(Place, u8)> {
        if wanted == Gives::default() {
            return None;
        }
        let found = self.reader.lookup(address).ok()?;
        let bits = found.network().map_or(0, |network| network.prefix());
        // An IPv4 address found in an IPv6 tree has its length counted there.
        let bits = if address.is_ipv4() && bits > 32 { bits.saturating_sub(96) } else { bits };
        let text = |path: &Option<Path>| {
            path.as_ref().and_then(|path| path.get::<&str>(&found)).and_then(two_letters)
        };
        let number = |path: &Option<Path>| path.as_ref().and_then(|path| path.get::<Number<'_>>(&found));
        let mut place = Place::default();
        if wanted.continent {
            place.continent = text(&self.continent).into();
        }
        // The continent of a record that does not have it is that of the country.
        if wanted.country || (wanted.continent && !place.continent.is_something()) {
            place.country = text(&self.country).into();
        }
        if wanted.asn {
            place.asn = number(&self.asn).and_then(whole).into();
        }
        if wanted.location {
            let latitude = number(&self.latitude).and_then(degrees);
            place.location = latitude.zip(number(&self.longitude).and_then(degrees)).into();
        }
        Some((place, bits))
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metadata = self.reader.metadata();
        write!(f, "{} ({} of {})", self.path.display(), metadata.database_type, self.built())
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Whether every network can be reached and every record read.
fn verify(reader: &Reader<Vec<u8>>) -> Result<(), MaxMindDbError> {
    match reader.verify() {
        // Published ones lack a description, and are sound.
        Err(error) if error.to_string().contains("description - Expected") => verify_undescribed(reader),
        verified => verified,
    }
}

/// The same of one without a description.
fn verify_undescribed(reader: &Reader<Vec<u8>>) -> Result<(), MaxMindDbError> {
    let mut records = HashSet::new();
    // A tree of n nodes has n + 1 leaves, and somewhat more where equal parts of it are one: one with many more has a circle.
    let mut left = u64::from(reader.metadata().node_count) * 3 + 2;
    for network in reader.networks(WithinOptions::default().include_networks_without_data())? {
        let network = network?;
        left = left
            .checked_sub(1)
            .ok_or_else(|| MaxMindDbError::invalid_database("its tree goes round in a circle"))?;
        if network.offset().is_some_and(|offset| records.insert(offset)) {
            network.decode::<Whole>()?;
        }
    }
    Ok(())
}

/// A record of which every value was read, also behind pointers.
struct Whole;

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Whole, D::Error> {
        deserializer.deserialize_any(Walk(&mut limits::GEO_VALUES.clone())).map(|()| Whole)
    }
}

/// Reads values, so many more at the most: pointers to pointers may make very many of few octets.
struct Walk<'l>(&'l mut usize);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let left = self.0.checked_sub(1).ok_or_else(|| de::Error::custom("a record has too many values"))?;
        *self.0 = left;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bytes<E: de::Error>(self, _: &[u8]) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Walk(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(Walk(self.0))?.is_some() {
            map.next_value_seed(Walk(self.0))?;
        }
        Ok(())
    }
}
