//! Where a client is: what `[network.X]` and geofeeds say of its prefix, then what MMDB files do. The first that says something counts, for
//! each thing of its own; the continent follows from the country where nothing else says it.

mod feed;
mod mmdb;
mod overrides;

use crate::config::{Diagnostics, GeoConfig, NetworkSpec, PlaceSpec, Spanned, continent_of};
use feed::Feeds;
use mmdb::Database;
use overrides::Overrides;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where clients are, as far as is known. Immutable.
#[derive(Debug, Default)]
pub struct Geo {
    networks: Arc<Overrides<String>>,
    feeds: Arc<Feeds>,
    databases: Vec<Arc<Database>>,
    /// How many files were refused when these were opened.
    pub(crate) refused: usize,
}

/// What is known of a client's place.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Located {
    pub country: Field<[u8; 2]>,
    pub continent: Field<[u8; 2]>,
    pub asn: Field<u32>,
    /// Latitude and longitude in degrees.
    pub place: Field<(f64, f64)>,
    /// Whether who knows better than databases has said the country, and for which prefix that is so or not.
    corrected: (bool, u8),
}

impl Located {
    /// Which things are known.
    pub fn known(&self) -> Gives {
        Gives {
            country: self.country.value.is_some(),
            continent: self.continent.value.is_some(),
            asn: self.asn.value.is_some(),
            location: self.place.value.is_some(),
        }
    }
}

/// One thing that sources say of an address, or do not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Field<T> {
    pub value: Option<T>,
    /// The length of the prefix for which that holds.
    pub bits: u8,
    /// Whether a source has said what it is, or that it is not to be known.
    settled: bool,
}

/// What a source says of one thing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Said<T> {
    /// Nothing: the next is asked.
    #[default]
    Nothing,
    /// That it is not to be known.
    Unknown,
    /// This.
    Known(T),
}

/// What a source says of a prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Place {
    pub country: Said<[u8; 2]>,
    pub continent: Said<[u8; 2]>,
    pub asn: Said<u32>,
    pub location: Said<(f64, f64)>,
}

/// Which things a source may say anything of, or which are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gives {
    pub country: bool,
    pub continent: bool,
    pub asn: bool,
    pub location: bool,
}

impl Gives {
    /// All there is.
    pub const ALL: Gives = Gives { country: true, continent: true, asn: true, location: true };

    fn add(&mut self, other: Gives) {
        self.country |= other.country;
        self.continent |= other.continent;
        self.asn |= other.asn;
        self.location |= other.location;
    }

    /// What is wanted, in words, that another does not give.
    pub fn lacking(self, other: Gives) -> Vec<&'static str> {
        let things = [
            (self.country && !other.country, "country"),
            (self.continent && !other.continent, "continent"),
            (self.asn && !other.asn, "asn"),
            (self.location && !other.location, "location"),
        ];
        things.into_iter().filter(|(lacks, _)| *lacks).map(|(_, thing)| thing).collect()
    }

    fn both(self, other: Gives) -> Gives {
        Gives {
            country: self.country && other.country,
            continent: self.continent && other.continent,
            asn: self.asn && other.asn,
            location: self.location && other.location,
        }
    }
}

impl<T> Said<T> {
    fn is_something(&self) -> bool {
        !matches!(self, Said::Nothing)
    }
}

impl<T> From<Option<T>> for Said<T> {
    fn from(value: Option<T>) -> Said<T> {
        value.map_or(Said::Nothing, Said::Known)
    }
}

impl Place {
    /// As a network's table has it.
    fn of(spec: &PlaceSpec) -> Place {
        let PlaceSpec { country, continent, asn, location } = *spec;
        let (country, continent) = (country.into(), continent.into());
        Place { country, continent, asn: asn.into(), location: location.into() }
    }

    fn gives(&self) -> Gives {
        Gives {
            country: self.country.is_something(),
            continent: self.country.is_something() || self.continent.is_something(),
            asn: self.asn.is_something(),
            location: self.location.is_something(),
        }
    }

    /// The continent, which may follow from the country.
    fn continent(&self) -> Said<[u8; 2]> {
        match (self.continent, self.country) {
            (Said::Nothing, Said::Known(country)) => continent_of(country).into(),
            (Said::Nothing, Said::Unknown) => Said::Unknown,
            (said, _) => said,
        }
    }
}

impl<T> Field<T> {
    /// Hears what a source says of a prefix, unless one before it said something. Returns whether it was the one that did.
    fn hear(&mut self, bits: u8, said: Said<T>) -> bool {
        if self.settled {
            return false;
        }
        self.bits = self.bits.max(bits);
        self.settled = said.is_something();
        if let Said::Known(value) = said {
            self.value = Some(value);
        }
        self.settled
    }
}

impl Located {
    /// Hears what a source says. Returns of which things it was the first to say something.
    fn hear(&mut self, gives: Gives, bits: u8, place: &Place, is_database: bool) -> Gives {
        let country = gives.country && self.country.hear(bits, place.country);
        if gives.country && !is_database {
            self.corrected = (self.corrected.0 || country, self.corrected.1.max(bits));
        }
        // What a database says of where a prefix is, it says of the country that it takes it to be in.
        let is_elsewhere =
            matches!(place.country, Said::Known(its) if self.corrected.0 && self.country.value != Some(its));
        let location = if is_elsewhere { Said::Unknown } else { place.location };
        Gives {
            country,
            continent: gives.continent && self.continent.hear(bits, place.continent()),
            asn: gives.asn && self.asn.hear(bits, place.asn),
            location: gives.location && self.place.hear(bits.max(self.corrected.1), location),
        }
    }
}

fn is_database(source: Option<Source<'_>>) -> bool {
    matches!(source, Some(Source::Database(_)))
}

/// Who says something.
#[derive(Clone, Copy)]
enum Source<'g> {
    Network(&'g str),
    Feed((u32, u32)),
    Database(&'g Database),
}

/// Opens a database, unless it says less than the version before it: then it is something else by mistake. On failure, why and the cure.
fn open_database(
    file: &Spanned<PathBuf>,
    config: &GeoConfig,
    last: Option<&Arc<Database>>,
) -> Result<Arc<Database>, (String, String)> {
    let cure = || match file.value.try_exists() {
        Ok(false) => "put it there, or name where it is".to_owned(),
        _ => "it must be an MMDB file that this user may read".to_owned(),
    };
    let database = Database::open(file, config, last).map_err(|error| (error.to_string(), cure()))?;
    match last.and_then(|last| last.lost_by(&database)) {
        None => Ok(database),
        Some(why) => {
            Err((why, "if that is meant, name it by another path, or start the daemon again".into()))
        }
    }
}

/// Warns of what is looked for in databases that do not have it.
fn tell_missing(config: &GeoConfig, databases: &[Arc<Database>], diagnostics: &mut Diagnostics) {
    for file in &config.databases {
        let opened = databases.iter().find(|database| database.path == file.value);
        if opened.is_some_and(|database| database.gives() == Gives::default()) {
            let place = diagnostics.place_in(&config.source, file.span);
            let path = file.value.display();
            let message =
                format!("geo.database {path}: it does not say where addresses are, as far as is known");
            diagnostics.warning(Some(place), message).help =
                Some("name its fields in [geo.fields], as in country = \"country.iso_code\"".into());
        }
    }
    for (i, key) in GeoConfig::FIELDS.into_iter().enumerate() {
        let Some(path) = &config.fields[i] else { continue };
        if !databases.is_empty() && !databases.iter().any(|database| database.as_configured()[i]) {
            let place = diagnostics.place_in(&config.source, path.span);
            let message = format!("geo.fields.{key}: no database has {key} at {:?}", path.value);
            diagnostics.warning(Some(place), message).help =
                Some(format!("leave it out to have {key} looked for where databases usually have it"));
        }
    }
}

impl Geo {
    /// Opens and verifies the configured files; those that have not changed are taken from `before`. One that is broken is an error at its
    /// place in the config, and what it was when it was opened before stands in for it; the others do not depend on it.
    ///
    /// A file that is not `is_still`, but being written, is left as it was opened before.
    pub fn open(
        config: &GeoConfig,
        before: Option<&Geo>,
        is_still: impl Fn(&Path) -> bool,
        diagnostics: &mut Diagnostics,
    ) -> Geo {
        let is_still = &is_still;
        let errors = diagnostics.error_count();
        let feeds = Feeds::open(config, before.map(|geo| &geo.feeds), is_still, diagnostics);
        let known = before.map_or(&[][..], |geo| &geo.databases);
        let mut databases = Vec::new();
        for file in &config.databases {
            let last = known.iter().find(|database| database.path == file.value);
            if let Some(last) = last.filter(|_| !is_still(&file.value)) {
                databases.push(Arc::clone(last));
                continue;
            }
            match open_database(file, config, last) {
                Ok(database) => databases.push(database),
                Err((why, cure)) => {
                    let place = diagnostics.place_in(&config.source, file.span);
                    let stays = match last {
                        Some(last) => format!("the one of {} stays in force", last.built()),
                        None => "nobody's place is known from it".into(),
                    };
                    let message = format!("geo.database {}: {why}; {stays}", file.value.display());
                    diagnostics.error(Some(place), message).help = Some(cure);
                    databases.extend(last.cloned());
                }
            }
        }
        tell_missing(config, &databases, diagnostics);
        let refused = diagnostics.error_count() - errors;
        Geo { networks: Default::default(), feeds, databases, refused }
    }

    /// The same files, and before them what these networks say of themselves: `geo` itself where that is what it has. None when nothing is
    /// known of anybody.
    pub fn with_networks(geo: Option<&Arc<Geo>>, networks: &[NetworkSpec]) -> Option<Arc<Geo>> {
        let of = |network: &NetworkSpec| {
            let (place, name) = (Place::of(&network.place), network.name.value.clone());
            network.cidr.iter().map(move |prefix| (*prefix, place, name.clone())).collect::<Vec<_>>()
        };
        let said: Vec<_> =
            networks.iter().filter(|network| network.place.is_something()).flat_map(of).collect();
        if said.is_empty() {
            return geo.cloned();
        }
        let networks = Overrides::new(said);
        if let Some(same) = geo.filter(|geo| *geo.networks == networks) {
            return Some(Arc::clone(same));
        }
        let (feeds, databases) =
            geo.map(|geo| (Arc::clone(&geo.feeds), geo.databases.clone())).unwrap_or_default();
        Some(Arc::new(Geo { networks: Arc::new(networks), feeds, databases, refused: 0 }))
    }

    /// What these networks say of themselves, over the files of another: that one itself where it has the same.
    pub(super) fn over(&self, files: &Arc<Geo>) -> Arc<Geo> {
        if self.networks == files.networks {
            return Arc::clone(files);
        }
        let (networks, feeds) = (Arc::clone(&self.networks), Arc::clone(&files.feeds));
        Arc::new(Geo { networks, feeds, databases: files.databases.clone(), refused: 0 })
    }

    /// Of which things anything is said of anybody.
    pub(super) fn gives(&self) -> Gives {
        let mut gives = self.networks.gives;
        gives.add(self.feeds.overrides.gives);
        self.databases.iter().for_each(|database| gives.add(database.gives()));
        gives
    }

    /// Whether it is made from the same data.
    pub fn is_same(&self, other: &Geo) -> bool {
        let databases = self.databases.iter().map(Arc::as_ptr).eq(other.databases.iter().map(Arc::as_ptr));
        databases && self.feeds.is_same(&other.feeds) && self.networks == other.networks
    }

    /// What is known of an address, of the things that are wanted.
    pub(super) fn locate(&self, address: IpAddr, wanted: Gives) -> Located {
        let mut located = Located::default();
        self.ask(address, wanted, |gives, bits, place, source| {
            located.hear(gives, bits, place, is_database(source));
        });
        located
    }

    /// Asks every source in order; `hear` is told what it may say, of which prefix, and what it does.
    fn ask<'g>(
        &'g self,
        address: IpAddr,
        wanted: Gives,
        mut hear: impl FnMut(Gives, u8, &Place, Option<Source<'g>>),
    ) {
        let nothing = Place::default();
        // Where somebody may know the country better, that decides what databases say of the place.
        let corrects = self.networks.gives.country || self.feeds.overrides.gives.country;
        let wanted = Gives { country: wanted.country || (wanted.location && corrects), ..wanted };
        let gives = wanted.both(self.networks.gives);
        if gives != Gives::default() {
            let (said, bits) = self.networks.find(address);
            hear(gives, bits, &nothing, None);
            said.for_each(|entry| hear(gives, bits, &entry.place, Some(Source::Network(&entry.source))));
        }
        let gives = wanted.both(self.feeds.overrides.gives);
        if gives != Gives::default() {
            let (said, bits) = self.feeds.overrides.find(address);
            hear(gives, bits, &nothing, None);
            // RFC 8805 §2.1.3: the entry of the longest prefix is the one that counts.
            said.take(1).for_each(|entry| hear(gives, bits, &entry.place, Some(Source::Feed(entry.source))));
        }
        for database in &self.databases {
            let gives = wanted.both(database.gives());
            if let Some((place, bits)) = database.find(address, gives) {
                hear(gives, bits, &place, Some(Source::Database(database)));
            }
        }
    }

    /// What is known of an address, and who says so: lines such as "country DE: network office" or "asn 64500: /geo/asn.mmdb (TYPE of
    /// DATE), 192.0.2.0/24".
    pub fn explain(&self, address: IpAddr) -> Vec<String> {
        let mut located = Located::default();
        let mut lines = Vec::new();
        self.ask(address, Gives::ALL, |gives, bits, place, source| {
            let first = located.hear(gives, bits, place, is_database(source));
            let said = match source {
                Some(Source::Network(name)) => format!("network {name}"),
                Some(Source::Feed(at)) => format!("geofeed {}", self.feeds.source(at)),
                Some(Source::Database(database)) => format!("{database}, record of /{bits}"),
                None => return,
            };
            let letters = |code: Option<[u8; 2]>| {
                code.map_or_else(|| "unknown".into(), |code| String::from_utf8_lossy(&code).into_owned())
            };
            let mut line = |first: bool, what: String| {
                if first {
                    lines.push(format!("{what}: {said}"));
                }
            };
            line(first.country, format!("country {}", letters(located.country.value)));
            line(first.continent, format!("continent {}", letters(located.continent.value)));
            line(first.asn, format!("AS{}", located.asn.value.unwrap_or_default()));
            let place = match located.place.value {
                Some((latitude, longitude)) => format!("location {latitude},{longitude}"),
                None if is_database(source) => "location unknown, as that is in another country".into(),
                None => "location unknown".into(),
            };
            line(first.location, place);
        });
        lines
    }
}
