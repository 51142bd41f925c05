//! `waymark.toml`: its keys, their defaults, and what they mean.

use super::reader::{Reader, Table, Value, closest};
use super::{
    Config, ControlConfig, Diagnostics, GeoConfig, GuardConfig, HealthConfig, ListenConfig, LogConfig,
    Minimise, NetworkSpec, ResolverConfig, Source, Span, Spanned, UpstreamConfig, anchors, hints, promise,
    read_regular, zone_reader,
};
use crate::wire::Name;
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Reads a file for diagnostics; tells when it cannot be read, at the place that names it.
pub(super) fn read_file(
    path: &Path,
    named: Option<Span>,
    diagnostics: &mut Diagnostics,
) -> Option<(u32, Arc<str>)> {
    let (octets, stamp) = match read_regular(path, u64::MAX) {
        Ok(read) => read,
        Err(error) => {
            told_unreadable(path, &error, named, diagnostics);
            return None;
        }
    };
    match String::from_utf8(octets) {
        Ok(text) => {
            let text: Arc<str> = text.into();
            diagnostics.depend(path, stamp);
            Some((diagnostics.add_file(path.to_owned(), Arc::clone(&text)), text))
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = 1 + error.as_bytes()[..at].iter().filter(|&&octet| octet == b'\n').count();
            let message = format!("{}: the file is not UTF-8 text, from line {line} on", path.display());
            diagnostics.error(named, message).help = Some("save it as UTF-8".into());
            None
        }
    }
}

fn told_unreadable(path: &Path, error: &std::io::Error, named: Option<Span>, diagnostics: &mut Diagnostics) {
    let told = diagnostics.error(named, format!("{}: {error}", path.display()));
    told.help = Some("check that it is there and that this user may read it".into());
}

impl Config {
    /// Reads a config file; None when there is nothing to read. What is wrong is told and left out: a config of which `diagnostics`
    /// has errors is for looking further, not for use.
    pub fn load(path: &Path, diagnostics: &mut Diagnostics) -> Option<Config> {
        let (file, text) = read_file(path, None, diagnostics)?;
        Some(Config::read(file, text, path, diagnostics))
    }

    /// What can be read of `[control]` even when the config has errors, which are told; the defaults for the rest. With it a
    /// daemon is found whose config was broken after it started.
    pub fn load_control(path: &Path, diagnostics: &mut Diagnostics) -> ControlConfig {
        Config::load(path, diagnostics).unwrap_or_else(|| Config::parse("", path, diagnostics)).control
    }

    /// Whether there is a config to read at `path`; else one line that says why not and what to do.
    ///
    /// # Errors
    /// When the file is not there, cannot be read, or is no regular file.
    pub fn readable(path: &Path) -> Result<(), String> {
        let error = match read_regular(path, u64::MAX) {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        Err(format!("the config {}: {error}: name another with --config FILE", path.display()))
    }

    /// The same from text; relative paths in it are relative to `path`, where it is said to stand.
    pub fn parse(text: &str, path: &Path, diagnostics: &mut Diagnostics) -> Config {
        let text: Arc<str> = text.into();
        let file = diagnostics.add_file(path.to_owned(), Arc::clone(&text));
        Config::read(file, text, path, diagnostics)
    }

    fn read(file: u32, text: Arc<str>, path: &Path, diagnostics: &mut Diagnostics) -> Config {
        // A mere file name stands in the working directory.
        let base = path.parent().filter(|base| !base.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Messages and later readers may run in another working directory.
        let base = std::path::absolute(base).unwrap_or(base.to_owned());
        let mut config =
            Reader::read(diagnostics, file, &text, |reader, table| read_config(reader, table, &base));
        config.geo.source = Source { path: path.to_owned(), text };
        promise::check_config(&config, &config.checks, diagnostics);
        config.checks.iter_mut().for_each(|check| check.name.span = Span::default());
        config
    }
}

fn read_config(reader: &mut Reader<'_>, mut root: Table<'_>, base: &Path) -> Config {
    let mut server = reader.section(&mut root, "server");
    let listen = listen(reader, &mut server);
    let workers = server.take("workers").and_then(|value| reader.integer(value, 0..=1024)).unwrap_or(0);
    reader.finish(server, "[server]");
    let mut zones = reader.section(&mut root, "zones");
    let directory = zones.take("directory").and_then(|value| directory(reader, value, base));
    reader.finish(zones, "[zones]");
    let geo = geo(reader, &mut root, base);
    let resolver = resolver(reader, &mut root, base);
    let guard = guard(reader, &mut root, &resolver.allow);
    let store = store(reader, &mut root, base);
    let control = control(reader, &mut root, base);
    let log = log(reader, &mut root);
    let health = health(reader, &mut root);
    let networks = zone_reader::networks(reader, &mut root);
    let checks = zone_reader::checks(reader, &mut root, base);
    reader.finish(root, "the config");
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    Config {
        listen,
        workers: if workers == 0 { cores() } else { workers as usize },
        zones: directory,
        geo,
        resolver,
        guard,
        store,
        control,
        log,
        health,
        networks: networks
            .into_iter()
            .map(|network| NetworkSpec { name: unplaced(network.name), ..network })
            .collect(),
        checks,
    }
}

/// A name without its place: zone files have diagnostics of their own, in which the place would be another file's.
fn unplaced(name: Spanned<String>) -> Spanned<String> {
    Spanned { span: Span::default(), ..name }
}

/// A path without its `.` and `x/..` parts, as a person would write it, where that leads to the same place: it does not when `x` is a
/// link.
fn tidy(path: PathBuf) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => (),
            Component::ParentDir if tidy.file_name().is_some() => drop(tidy.pop()),
            part => tidy.push(part),
        }
    }
    // That of the directory it is in: what is there now may be gone later, and is named alike then.
    let place = |path: &Path| path.parent().and_then(|parent| parent.canonicalize().ok());
    let same =
        tidy.file_name() == path.file_name() && place(&tidy).is_some_and(|own| Some(own) == place(&path));
    if same || tidy == path { tidy } else { path }
}

/// `zones.directory`, which must be there.
fn directory(reader: &mut Reader<'_>, value: Value<'_>, base: &Path) -> Option<PathBuf> {
    let path = tidy(base.join(reader.string(value)?.value));
    let Err(error) = std::fs::read_dir(&path) else { return Some(path) };
    let told = reader.error(value.span, format!("{}: {error}", path.display()));
    told.help = Some("this is the directory of the zone files: make it, or name another".into());
    None
}

fn listen(reader: &mut Reader<'_>, server: &mut Table<'_>) -> Vec<ListenConfig> {
    let Some(value) = server.take("listen") else {
        let loopback =
            [SocketAddr::from(([127, 0, 0, 1], 5300)), (std::net::Ipv6Addr::LOCALHOST, 5300).into()];
        return loopback.map(|address| ListenConfig { address, allow: None }).into();
    };
    let mut listen: Vec<ListenConfig> = Vec::new();
    for element in reader.some(value, "the daemon must listen on at least one address") {
        let Some(entry) = listener(reader, element) else { continue };
        let address = entry.address;
        if listen.iter().any(|other| other.address == address) && address.port() != 0 {
            reader.error(element.span, format!("{address} is listed twice"));
        }
        listen.push(entry);
    }
    listen
}

/// An address, or a table that says who may recurse there.
fn listener(reader: &mut Reader<'_>, value: Value<'_>) -> Option<ListenConfig> {
    if !reader.is_table(value) {
        return Some(ListenConfig { address: reader.socket(value, None)?, allow: None });
    }
    let mut table = reader.table(value)?;
    let address = table.take("address");
    let recursion = table.take("recursion").and_then(|value| reader.boolean(value)).unwrap_or(true);
    let allow = table.take("allow").map(|value| (value.span, reader.list(value, Reader::prefix)));
    reader.finish(table, "server.listen");
    if let (false, Some((span, _))) = (recursion, &allow) {
        reader.error(*span, "with recursion = false nobody is allowed: remove one of the two");
    }
    let Some(address) = address else {
        reader.error(value.span, "a listener needs an address: address = \"192.0.2.1:53\"");
        return None;
    };
    let allow = if recursion { allow.map(|(_, prefixes)| prefixes) } else { Some(Vec::new()) };
    Some(ListenConfig { address: reader.socket(address, None)?, allow })
}

fn geo(reader: &mut Reader<'_>, root: &mut Table<'_>, base: &Path) -> GeoConfig {
    let mut table = reader.section(root, "geo");
    let mut geo = GeoConfig::default();
    for (key, files) in [("database", &mut geo.databases), ("geofeed", &mut geo.geofeeds)] {
        if let Some(value) = table.take(key) {
            geo.wanted |= !value.is_empty();
            *files = reader.list(value, |reader, value| {
                // Whether it is there is told by who reads it: what it was before may stand in for it.
                Some(Spanned { value: tidy(base.join(reader.string(value)?.value)), span: value.span })
            });
        }
    }
    let mut fields = reader.section(&mut table, "fields");
    geo.fields = GeoConfig::FIELDS.map(|key| {
        let value = fields.take(key)?;
        let form = "the keys to a field, at most three of them, as in \"country.iso_code\"";
        let path = reader.parse(value, form, |text| {
            let keys = text.split('.');
            let right = keys.clone().count() <= 3 && keys.clone().all(|key| !key.is_empty());
            right.then(|| text.to_owned())
        })?;
        Some(Spanned { value: path, span: value.span })
    });
    reader.finish(fields, "geo.fields");
    reader.finish(table, "[geo]");
    geo
}

fn health(reader: &mut Reader<'_>, root: &mut Table<'_>) -> HealthConfig {
    let mut table = reader.section(root, "health");
    let commands = table.take("commands").map_or_else(Vec::new, |value| {
        reader.list(value, |reader, value| {
            let form = "the absolute path of a directory, as in \"/usr/lib/nagios/plugins\"";
            reader.parse(value, form, |text| Some(PathBuf::from(text)).filter(|path| path.is_absolute()))
        })
    });
    let webhook = table.take("webhook").and_then(|value| {
        reader.parse(value, "a URL, as in \"https://hooks.example/waymark\"", |text| {
            let url = text.parse::<hyper::Uri>().ok()?;
            let known = matches!(url.scheme_str(), Some("http" | "https"));
            // A password in it would go nowhere.
            let plain = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
            (known && plain && url.host().is_some()).then(|| text.to_owned())
        })
    });
    reader.finish(table, "[health]");
    HealthConfig { commands, webhook }
}

fn resolver(reader: &mut Reader<'_>, root: &mut Table<'_>, base: &Path) -> ResolverConfig {
    let mut table = reader.section(root, "resolver");
    let flag = |reader: &mut Reader<'_>, table: &mut Table<'_>, key, default| {
        table.take(key).and_then(|value| reader.boolean(value)).unwrap_or(default)
    };
    let loopback: Vec<IpNet> = [[127, 0, 0, 0]].map(|a| IpNet::new_assert(a.into(), 8)).into();
    let config = ResolverConfig {
        enabled: flag(reader, &mut table, "enabled", true),
        allow: table.take("allow").map_or_else(
            || {
                [loopback.as_slice(), &[IpNet::new_assert(std::net::Ipv6Addr::LOCALHOST.into(), 128)]]
                    .concat()
            },
            |value| reader.list(value, Reader::prefix),
        ),
        root_hints: match table.take("root_hints") {
            Some(value) => hints::read(reader, value, base),
            None => hints::builtin(),
        },
        cache_size: table.take("cache_size").and_then(|value| reader.size(value)).unwrap_or(256 << 20),
        families: families(reader, &mut table),
        deny: deny(reader, &mut table),
        upstream_port: table.take("upstream_port").and_then(|v| reader.integer(v, 1..=65_535)).unwrap_or(53)
            as u16,
        special_use: flag(reader, &mut table, "special_use", true),
        priming: flag(reader, &mut table, "priming", true),
        case_randomisation: flag(reader, &mut table, "case_randomisation", true),
        minimise: minimise(reader, &mut table),
        rebinding_protection: flag(reader, &mut table, "rebinding_protection", false),
        serve_stale: flag(reader, &mut table, "serve_stale", true),
        prefetch: flag(reader, &mut table, "prefetch", true),
        anchors: anchors::read(reader, &mut table, base),
        aggressive_nsec: flag(reader, &mut table, "aggressive_nsec", true),
        sentinel: flag(reader, &mut table, "sentinel", true),
        anchor_signal: flag(reader, &mut table, "anchor_signal", true),
        rfc5011: flag(reader, &mut table, "rfc5011", true),
        upstreams: upstreams(reader, &mut table),
    };
    reader.finish(table, "[resolver]");
    config
}

fn minimise(reader: &mut Reader<'_>, table: &mut Table<'_>) -> Minimise {
    let words = [("off", Minimise::Off), ("relaxed", Minimise::Relaxed), ("strict", Minimise::Strict)];
    table.take("qname_minimisation").and_then(|value| reader.word(value, &words)).unwrap_or_default()
}

fn families(reader: &mut Reader<'_>, table: &mut Table<'_>) -> (bool, bool) {
    let Some(value) = table.take("upstream") else { return (true, true) };
    let empty = "upstream must name at least one family, \"ipv4\" or \"ipv6\"";
    let families = reader
        .some_list(value, empty, |reader, value| reader.word(value, &[("ipv4", false), ("ipv6", true)]));
    (families.contains(&false), families.contains(&true))
}

/// Addresses never asked. Those that cannot be a server's are always among them.
fn deny(reader: &mut Reader<'_>, table: &mut Table<'_>) -> Vec<IpNet> {
    let prefixes =
        |texts: &[&str]| -> Vec<IpNet> { texts.iter().filter_map(|text| text.parse().ok()).collect() };
    let mut deny = prefixes(&["0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "::/128", "ff00::/8"]);
    let loopback = ["127.0.0.0/8", "::1/128"];
    let Some(value) = table.take("upstream_deny") else {
        deny.extend(prefixes(&loopback));
        return deny;
    };
    let private = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    ];
    for element in reader.one_or_more(value) {
        match reader.string(element).map(|text| text.value).as_deref() {
            Some("loopback") => deny.extend(prefixes(&loopback)),
            Some("private") => deny.extend(prefixes(&private)),
            Some(text) if text.contains(['.', ':', '/']) => deny.extend(reader.prefix(element)),
            Some(text) => {
                let hint = closest(text, ["loopback", "private"]);
                reader
                    .expected(element, "\"loopback\", \"private\" or a prefix, as in \"192.0.2.0/24\"")
                    .help = hint;
            }
            None => (),
        }
    }
    deny
}

fn upstreams(reader: &mut Reader<'_>, table: &mut Table<'_>) -> Vec<UpstreamConfig> {
    let mut upstreams: Vec<UpstreamConfig> = Vec::new();
    for (key, forward) in [("forward", true), ("stub", false)] {
        let Some(value) = table.take(key) else { continue };
        for element in reader.one_or_more(value) {
            let Some(mut entry) = reader.table(element) else { continue };
            let (zone, servers) = (entry.take("zone"), entry.take("servers"));
            let fallback = entry.take("fallback").and_then(|value| reader.boolean(value)).unwrap_or(false);
            let validate = entry.take("validate").and_then(|value| reader.boolean(value)).unwrap_or(true);
            let span = entry.span;
            reader.finish(entry, &format!("[[resolver.{key}]]"));
            for (value, missing) in
                [(zone, "a zone: zone = \"corp.example\""), (servers, "servers: servers = [\"192.0.2.1\"]")]
            {
                if value.is_none() {
                    reader.error(span, format!("a {key} needs {missing}"));
                }
            }
            let zone = zone.and_then(|value| reader.name(value, Name::ROOT));
            let servers = servers.map(|value| {
                let empty = format!("a {key} needs at least one server");
                reader.some_list(value, empty, |reader, value| reader.socket(value, Some(53)))
            });
            let (Some(zone), Some(servers)) = (zone, servers) else { continue };
            let zone = zone.as_name().to_owned();
            if upstreams.iter().any(|other| other.zone == zone) {
                reader.error(span, format!("{zone} has a forward or stub already"));
            }
            upstreams.push(UpstreamConfig { zone, servers, forward, fallback, validate });
        }
    }
    upstreams
}

/// `[guard]`.
fn guard(reader: &mut Reader<'_>, root: &mut Table<'_>, allow: &[IpNet]) -> GuardConfig {
    let mut table = reader.section(root, "guard");
    let cookies = table.take("cookies").and_then(|value| reader.boolean(value)).unwrap_or(true);
    let rrl = table.take("rrl").and_then(|value| {
        let rate = rate(reader, value)?;
        if rate.is_some() && allow.iter().any(|prefix| prefix.prefix_len() == 0) {
            let told = reader.warning(value.span, "rrl limits nobody whom resolver.allow lets recurse");
            told.help = Some("everybody may recurse here: name your own networks in resolver.allow".into());
        }
        rate
    });
    reader.finish(table, "[guard]");
    GuardConfig { cookies, rrl }
}

/// "off", or a number of replies a second.
fn rate(reader: &mut Reader<'_>, value: Value<'_>) -> Option<Option<u32>> {
    const MOST: u32 = 1_000_000;
    let number = |text: &str| text.parse().ok().filter(|rate| (1..=MOST).contains(rate));
    let text = reader.bare(value);
    match text.split_once('/') {
        _ if text == "off" => return Some(None),
        Some((rate, "s")) if number(rate).is_some() => return Some(number(rate)),
        _ => (),
    }
    let help = number(&text).map(|rate| format!("did you mean \"{rate}/s\"?"));
    let form = format!("\"off\" or replies a second, as in \"20/s\", of at most {MOST}");
    reader.expected(value, form).help = help;
    None
}

fn store(reader: &mut Reader<'_>, root: &mut Table<'_>, base: &Path) -> Vec<PathBuf> {
    let mut table = reader.section(root, "store");
    let directory = table.take("directory").and_then(|value| reader.string(value));
    reader.finish(table, "[store]");
    let mut paths =
        vec![directory.map_or_else(|| "/var/lib/waymark".into(), |path| tidy(base.join(path.value)))];
    // The user's own place where the system's is not writable.
    let home = || Some(Path::new(&std::env::var_os("HOME")?).join(".local/state"));
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).or_else(home);
    paths.extend(state.filter(|path| path.is_absolute()).map(|path| path.join("waymark")));
    paths
}

fn control(reader: &mut Reader<'_>, root: &mut Table<'_>, base: &Path) -> ControlConfig {
    let mut table = reader.section(root, "control");
    let listen = table.take("listen").and_then(|value| reader.socket(value, None));
    let socket = table.take("socket").and_then(|value| reader.string(value));
    let socket = socket.map(|path| base.join(path.value));
    reader.finish(table, "[control]");
    let mut paths = vec![socket.unwrap_or_else(|| "/run/waymark/control.sock".into())];
    // The user's own place where the system's is not writable.
    if let Some(runtime) = std::env::var_os("XDG_RUNTIME_DIR") {
        paths.push(Path::new(&runtime).join("waymark/control.sock"));
    }
    ControlConfig { listen, socket: paths }
}

fn log(reader: &mut Reader<'_>, root: &mut Table<'_>) -> LogConfig {
    let mut table = reader.section(root, "log");
    let json = table.take("format").and_then(|value| reader.word(value, &[("text", false), ("json", true)]));
    let level = table.take("level").and_then(|value| level(reader, value));
    reader.finish(table, "[log]");
    LogConfig { json: json.unwrap_or(false), level: level.unwrap_or_else(|| "info".into()) }
}

/// `log.level`: a level, or levels per module. The filter takes a word that is no level for a module, and says nothing of it.
fn level(reader: &mut Reader<'_>, value: Value<'_>) -> Option<String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let text = reader.string(value)?.value;
    for part in text.split(',').map(str::trim) {
        let (target, level) =
            part.rsplit_once('=').map_or((None, part), |(target, level)| (Some(target), level));
        if LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
            continue;
        }
        let hint = match target {
            None if part.contains("::") => Some(format!("a module needs a level: \"{part}=debug\"")),
            _ => closest(level, LEVELS),
        };
        let told = reader.error(value.span, format!("{level:?} is not a level"));
        told.label = format!("levels are {}", LEVELS.join(", "));
        told.help = hint.or_else(|| Some("per module: \"info,waymark::net=debug\"".into()));
        return None;
    }
    Some(text)
}
