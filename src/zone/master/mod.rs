//! Master files (RFC 1035 §5): $ORIGIN, $TTL (RFC 2308 §4), $INCLUDE, $GENERATE, any type (RFC 3597).

mod generate;

use super::{Builder, Zone};
use crate::config::{self, Diagnostics, Span, Stamp, read_regular};
use crate::limits;
use crate::rrset::{self, Entry, Lexer, Token, read_seconds};
use crate::wire::{Class, Name, NameBuf, Rtype};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Loads the zone `apex` from a file. None when it has errors; all are told, up to [`limits::ZONE_PROBLEMS`].
pub fn load(path: &Path, apex: Name<'_>, diagnostics: &mut Diagnostics) -> Option<Zone> {
    let (text, stamp) = read(path).map_err(|why| diagnostics.error(None, why)).ok()?;
    let mut reader = Reader::new(apex);
    reader.read(&text, path, Some(stamp), 0);
    // Making the zone takes the most memory: the text is not kept beside it, but read again if there is something to tell.
    drop(text);
    reader.finish(None, diagnostics)
}

/// The same from text that is said to stand at `path`.
pub fn parse(text: &str, path: &Path, apex: Name<'_>, diagnostics: &mut Diagnostics) -> Option<Zone> {
    let mut reader = Reader::new(apex);
    reader.read(text, path, None, 0);
    reader.finish(Some(text), diagnostics)
}

/// What is wrong, and where: octets from..to, counted over all files; to the end of the line where there is no `to`.
struct Problem {
    at: Option<(u32, Option<u32>)>,
    fatal: bool,
    message: String,
    help: Option<String>,
}

/// What is wrong with an entry: its tokens from..to.
struct Fault {
    from: usize,
    to: usize,
    message: String,
    help: Option<String>,
}

impl From<(usize, usize, String)> for Fault {
    fn from((from, to, message): (usize, usize, String)) -> Fault {
        Fault { from, to, message, help: None }
    }
}

impl From<(usize, String)> for Fault {
    fn from((token, message): (usize, String)) -> Fault {
        Fault::from((token, token + 1, message))
    }
}

/// A file and where its octets start in the count over all.
struct Source {
    path: PathBuf,
    /// Which version was read; none of text that was given.
    stamp: Option<Stamp>,
    base: u32,
}

fn read(path: &Path) -> Result<(String, Stamp), String> {
    let (octets, stamp) = read_regular(path, limits::MASTER_FILE).map_err(|error| {
        format!("{}: {error}: check that the file is there and that this user may read it", path.display())
    })?;
    let text = String::from_utf8(octets).map_err(|_| {
        format!("{}: the file is not UTF-8 text: write other octets as \\DDD", path.display())
    })?;
    Ok((text, stamp))
}

/// Puts problems in their places. Texts are kept only of files in which something is wrong.
fn tell(mut problems: Vec<Problem>, sources: &[Source], text: Option<&str>, diagnostics: &mut Diagnostics) {
    if problems.is_empty() {
        return;
    }
    problems.sort_by_key(|problem| !problem.fatal);
    problems.truncate(limits::ZONE_PROBLEMS);
    problems.sort_by_key(|problem| problem.at.map_or(u32::MAX, |(from, _)| from));
    let mut files: Vec<Option<(u32, Arc<str>)>> = sources.iter().map(|_| None).collect();
    for problem in problems {
        let span = problem.at.and_then(|(from, to)| {
            let index = sources.iter().rposition(|source| source.base <= from)?;
            let source = &sources[index];
            let (file, content) = files[index].get_or_insert_with(|| {
                let content: Arc<str> = match text.filter(|_| source.base == 0) {
                    Some(text) => text.into(),
                    None => read(&source.path).map_or_else(|_| "".into(), |(text, _)| text.into()),
                };
                (diagnostics.add_file(source.path.clone(), Arc::clone(&content)), content)
            });
            let start = from - source.base;
            let line = || content.get(start as usize..)?.lines().next();
            let end = to.map_or_else(|| start + line().map_or(1, str::len) as u32, |to| to - source.base);
            Some(Span { file: *file, start, end })
        });
        let told = if problem.fatal {
            diagnostics.error(span, problem.message)
        } else {
            diagnostics.warning(span, problem.message)
        };
        told.help = problem.help;
    }
}

/// Reads files into a builder.
struct Reader {
    builder: Builder,
    origin: NameBuf,
    /// Whether it is: after a bad $ORIGIN the names that follow are not.
    origin_known: bool,
    owner: Option<NameBuf>,
    /// Whether it is the one meant: after a line whose owner is wrong, the records that go on from it are read, but not known to be anyone's.
    owner_known: bool,
    default_ttl: Option<u32>,
    last_ttl: Option<u32>,
    rdata: Vec<u8>,
    sources: Vec<Source>,
    next_base: u64,
    problems: Vec<Problem>,
}

impl Reader {
    fn new(apex: Name<'_>) -> Reader {
        Reader {
            builder: Builder::new(apex),
            origin: apex.to_buf(),
            origin_known: true,
            owner: None,
            owner_known: true,
            default_ttl: None,
            last_ttl: None,
            rdata: Vec::new(),
            sources: Vec::new(),
            next_base: 0,
            problems: Vec::new(),
        }
    }

    /// Makes the zone of what was read, unless that had problems, and tells all there are.
    fn finish(self, text: Option<&str>, diagnostics: &mut Diagnostics) -> Option<Zone> {
        let Reader { builder, mut problems, origin_known, .. } = self;
        let whole = problems.is_empty();
        let (zone, more) = match builder.finish() {
            Ok((zone, problems)) => (Some(zone).filter(|_| whole), problems),
            Err(problems) => (None, problems),
        };
        // Where entries could not be read, what is missing in the zone may be in them; what stands in it stays wrong.
        let holds = |problem: &super::Problem| whole || origin_known && problem.tag.is_some();
        problems.extend(more.into_iter().filter(holds).map(|problem| Problem {
            at: problem.tag.map(|tag| (tag, None)),
            fatal: problem.fatal,
            message: problem.message,
            help: None,
        }));
        for Source { path, stamp, .. } in &self.sources {
            stamp.iter().for_each(|stamp| diagnostics.depend(path, *stamp));
        }
        tell(problems, &self.sources, text, diagnostics);
        zone
    }

    fn problem(&mut self, at: (usize, usize), base: u32, message: String, help: Option<String>) {
        let place = |octet: usize| base.saturating_add(octet as u32);
        let at = Some((place(at.0), Some(place(at.1.max(at.0 + 1)))));
        self.problems.push(Problem { at, fatal: true, message, help });
    }

    /// Reads one file; `depth` counts the files that include it.
    fn read(&mut self, text: &str, path: &Path, stamp: Option<Stamp>, depth: usize) {
        let base = self.next_base as u32;
        self.next_base += text.len() as u64 + 1;
        if self.next_base > u64::from(u32::MAX) {
            self.problems.push(Problem {
                at: None,
                fatal: true,
                message: "the zone's files are larger than 4 GiB".into(),
                help: None,
            });
            return;
        }
        self.sources.push(Source { path: path.to_owned(), stamp, base });
        let mut lexer = Lexer::new(text.strip_prefix('\u{feff}').unwrap_or(text));
        let shift = text.len() - lexer.text().len();
        let mut entry = Entry::default();
        while self.problems.len() < limits::ZONE_PROBLEMS {
            match lexer.next(&mut entry) {
                Ok(true) => self.entry(&entry, base + shift as u32, path, depth),
                Ok(false) => break,
                Err((at, message)) => {
                    if !entry.blank {
                        self.owner_known = false;
                    }
                    self.problem(at, base + shift as u32, message.into(), None);
                }
            }
        }
    }

    /// A directive or a record.
    fn entry(&mut self, entry: &Entry<'_>, base: u32, path: &Path, depth: usize) {
        let first = entry.tokens[0];
        let done = if !first.quoted && first.text.starts_with('$') && !entry.blank {
            match first.text.to_ascii_uppercase().as_str() {
                "$ORIGIN" => self.set_origin(entry),
                "$TTL" => self.set_ttl(entry),
                "$INCLUDE" => self.include(entry, path, depth),
                "$GENERATE" => self.generate(entry, base),
                other => Err(no_directive(other)),
            }
        } else {
            self.record(entry, base)
        };
        if let Err(Fault { from, to, message, help }) = done {
            let (start, end) = (entry.span(from).0, entry.span(to.max(from + 1) - 1).1);
            self.problem((start, end), base, message, help);
        }
    }

    fn set_origin(&mut self, entry: &Entry<'_>) -> Result<(), Fault> {
        // Known again only when a name is absolute; that is rare enough to be left to the next reading.
        let known = std::mem::replace(&mut self.origin_known, false);
        let text = entry.tokens.get(1).ok_or((0, "$ORIGIN needs a name".to_owned()))?.text;
        self.origin = NameBuf::from_text(text, self.origin.as_name())
            .map_err(|error| (1, format!("{text:?} is not a name: {error}")))?;
        self.origin_known = known;
        Ok(())
    }

    fn set_ttl(&mut self, entry: &Entry<'_>) -> Result<(), Fault> {
        let text = entry.tokens.get(1).ok_or((0, "$TTL needs seconds".to_owned()))?.text;
        let ttl =
            read_seconds(text).ok_or((1, format!("{text:?} is not seconds, nor a time as in 1h30m")))?;
        self.default_ttl = Some(ttl);
        Ok(())
    }

    /// $INCLUDE FILE [ORIGIN]: afterwards origin and owner are as before (RFC 1035 §5.1).
    fn include(&mut self, entry: &Entry<'_>, path: &Path, depth: usize) -> Result<(), Fault> {
        let name = entry.tokens.get(1).ok_or((0, "$INCLUDE needs a file".to_owned()))?.text;
        if depth >= limits::INCLUDE_DEPTH || self.sources.len() > limits::INCLUDES {
            return Err((
                1,
                "files are included too deeply, or too many of them: does one include itself?".to_owned(),
            )
                .into());
        }
        let origin = match entry.tokens.get(2) {
            Some(token) => NameBuf::from_text(token.text, self.origin.as_name())
                .map_err(|error| (2, format!("{:?} is not a name: {error}", token.text)))?,
            None => self.origin.clone(),
        };
        let file = path.parent().map_or_else(PathBuf::new, Path::to_owned).join(name);
        let (text, stamp) = read(&file).map_err(|why| (1, why))?;
        let outer = (std::mem::replace(&mut self.origin, origin), self.owner.clone(), self.owner_known);
        self.read(&text, &file, Some(stamp), depth + 1);
        (self.origin, self.owner, self.owner_known) = outer;
        Ok(())
    }

    /// $GENERATE RANGE OWNER [TTL] [CLASS] TYPE DATA. Data that is one quoted string is read again once `$` is replaced: the quotes
    /// are those of the directive, as in BIND.
    fn generate(&mut self, entry: &Entry<'_>, base: u32) -> Result<(), Fault> {
        let range = entry.tokens.get(1).ok_or((0, "$GENERATE needs a range, as in 1-10".to_owned()))?.text;
        let range =
            generate::range(range).ok_or((1, format!("{range:?} is not a range, as in 1-10 or 0-100/10")))?;
        if entry.tokens.len() < 4 {
            return Err((0, "$GENERATE needs a range, an owner, a type and data".to_owned()).into());
        }
        for n in range {
            let mut texts = Vec::with_capacity(entry.tokens.len());
            for (i, token) in entry.tokens.iter().enumerate().skip(2) {
                texts.push(generate::expand(token.text, n).map_err(|message| (i, message))?);
            }
            let mut made = Entry::default();
            for (text, token) in texts.iter().zip(&entry.tokens[2..]) {
                made.push(text, token.quoted, entry.span(0));
            }
            let told = |message: &str| (0, format!("for {n}: {message}"));
            let again =
                quoted_data(&made).map(|(at, text)| (at, format!("({})", text.replace("\\\"", "\""))));
            if let Some((at, text)) = &again {
                let mut inner = Entry::default();
                Lexer::new(text).next(&mut inner).map_err(|(_, message)| told(message))?;
                made.tokens.truncate(*at);
                made.tokens.append(&mut inner.tokens);
            }
            self.record(&made, base)
                .map_err(|fault| Fault { help: fault.help, ..told(&fault.message).into() })?;
        }
        Ok(())
    }

    /// [OWNER] [TTL] [CLASS] TYPE DATA. The error names tokens from..to.
    fn record(&mut self, entry: &Entry<'_>, base: u32) -> Result<(), Fault> {
        if !entry.blank {
            let text = entry.tokens[0].text;
            self.owner_known = false;
            let owner = NameBuf::from_text(text, self.origin.as_name());
            self.owner = Some(owner.map_err(|error| (0, format!("{text:?} is not a name: {error}")))?);
            self.owner_known = true;
        }
        let Head { ttl, rtype, data: at } = head(entry)?;
        self.rdata.clear();
        rrset::parse_tokens(rtype, &entry.tokens[at..], self.origin.as_name(), &mut self.rdata).map_err(
            |error| {
                let last = entry.tokens.len();
                (
                    (at + error.span.0).min(last - 1),
                    (at + error.span.1).min(last),
                    format!("{rtype}: {}", error.message),
                )
            },
        )?;
        let ttl = self.ttl(ttl, rtype);
        if !self.owner_known {
            return Ok(());
        }
        let Some(owner) = &self.owner else {
            return Err((0, "the first record has no owner".to_owned()).into());
        };
        let ttl = ttl.ok_or_else(|| (0, at, "there is no TTL: write one, or $TTL before".to_owned()))?;
        self.builder.add(owner.as_name(), rtype, ttl, &self.rdata, base + entry.span(0).0 as u32);
        Ok(())
    }

    /// The TTL of a record: its own, $TTL, that of the last record (RFC 1035 §5.1), or the SOA's minimum.
    fn ttl(&mut self, own: Option<u32>, rtype: Rtype) -> Option<u32> {
        if own.is_some() {
            self.last_ttl = own;
        }
        let minimum = || crate::wire::read_u32(&self.rdata, self.rdata.len().checked_sub(4)?);
        let soa = if rtype == Rtype::SOA { minimum() } else { None };
        if self.last_ttl.is_none() && self.default_ttl.is_none() {
            self.last_ttl = soa;
        }
        own.or(self.default_ttl).or(self.last_ttl)
    }
}

fn no_directive(text: &str) -> Fault {
    const DIRECTIVES: [&str; 4] = ["$ORIGIN", "$TTL", "$INCLUDE", "$GENERATE"];
    let message = format!("{text} is not a directive: $ORIGIN, $TTL, $INCLUDE and $GENERATE are");
    Fault { help: config::closest(text, DIRECTIVES), ..Fault::from((0, message)) }
}

/// What stands between a record's owner and its data, and with which token the data begins.
struct Head {
    ttl: Option<u32>,
    rtype: Rtype,
    data: usize,
}

/// Where the data begins, and the data, if it is one quoted string.
fn quoted_data<'t>(entry: &Entry<'t>) -> Option<(usize, &'t str)> {
    let data = head(entry).ok()?.data;
    match entry.tokens[data..] {
        [Token { text, quoted: true }] if !text.is_empty() => Some((data, text)),
        _ => None,
    }
}

/// [TTL] [CLASS] TYPE. The error names tokens from..to.
fn head(entry: &Entry<'_>) -> Result<Head, Fault> {
    let (mut ttl, mut class, mut at) = (None, false, usize::from(!entry.blank));
    loop {
        let Some(token) = entry.tokens.get(at) else {
            return Err((at.saturating_sub(1), at, "the record has no type".to_owned()).into());
        };
        at += 1;
        let digits = token.text.starts_with(|c: char| c.is_ascii_digit());
        if ttl.is_none() && digits {
            let read = read_seconds(token.text);
            ttl = Some(read.ok_or_else(|| (at - 1, format!("{:?} is not a TTL", token.text)))?);
        } else if let Some(rtype) = Rtype::from_text(token.text) {
            return Ok(Head { ttl, rtype, data: at });
        } else if let (Some(named), false) = (Class::from_text(token.text), class) {
            if named != Class::IN {
                return Err((at - 1, format!("the class {named} is not served, only IN")).into());
            }
            class = true;
        } else {
            let help = config::closest_type(&token.text.to_ascii_uppercase());
            let fault = Fault::from((at - 1, format!("{:?} is not a record type", token.text)));
            return Err(Fault { help, ..fault });
        }
    }
}
