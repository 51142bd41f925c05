//! The rules of the house that no compiler checks: the layers of `src/lib.rs`, who may be unsafe, who may read a clock, how long a
//! file may get. A broken rule is told as `file:line: rule`.

#![allow(clippy::unwrap_used)]

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Files that may hold `unsafe`: batched system calls, and the test that replaces the allocator.
const MAY_BE_UNSAFE: &[&str] = &["src/net/udp.rs", "tests/no_alloc.rs"];

/// The only file that may read a clock.
const CLOCK: &str = "src/clock.rs";

/// Lines after which a file of `src` holds more than one subject.
const LINES_MAX: usize = 600;

/// A broken rule.
#[derive(Debug)]
struct Violation {
    path: PathBuf,
    line: usize,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.rule)
    }
}

// ------------------------------------------------------------------------------------------------------------------- the rules

#[test]
fn the_modules_are_those_of_the_list_in_its_order() {
    tell(list_and_modules(&library()));
}

#[test]
fn a_module_uses_only_those_above_it() {
    let layers = layers(&library());
    tell(sources(&["src"]).iter().flat_map(|source| layering(source, &layers)));
}

#[test]
fn unsafe_stands_only_where_it_may_and_says_why() {
    tell(sources(&["src", "tests", "benches"]).iter().flat_map(unsafety));
}

#[test]
fn only_the_clock_reads_clocks() {
    tell(sources(&["src", "tests", "benches"]).iter().flat_map(clocks));
}

#[test]
fn unwrap_is_for_tests() {
    let sources = sources(&["src"]);
    let tests = test_files(&sources);
    tell(sources.iter().filter(|source| !tests.contains(&source.path)).flat_map(unwraps));
}

#[test]
fn no_file_is_too_long() {
    tell(sources(&["src"]).iter().filter_map(length));
}

/// Fails with every violation.
fn tell(violations: impl IntoIterator<Item = Violation>) {
    let list: Vec<String> = violations.into_iter().map(|violation| violation.to_string()).collect();
    assert!(list.is_empty(), "\n{}\n", list.join("\n"));
}

// ---------------------------------------------------------------------------------------------------------------- the checkers

/// The names of the ```` ```text ```` list in the library's documentation, top layer first, with their lines.
fn layers(library: &Source) -> Vec<(String, usize)> {
    let documentation =
        library.text.lines().enumerate().map_while(|(n, line)| Some((n, line.strip_prefix("//!")?)));
    documentation
        .skip_while(|(_, line)| line.trim() != "```text")
        .skip(1)
        .take_while(|(_, line)| line.trim() != "```")
        .filter_map(|(n, line)| Some((line.split_whitespace().next()?.to_owned(), n + 1)))
        .collect()
}

/// Every `pub mod` is in the list, every name of the list is a `pub mod`, in one order.
fn list_and_modules(library: &Source) -> Vec<Violation> {
    let listed = layers(library);
    let declared: Vec<(String, usize)> = words(&library.code, "mod")
        .filter_map(|at| Some((identifier(&library.code[at.end..])?.to_owned(), library.line(at.start))))
        .collect();
    if listed.is_empty() {
        return vec![library.violation(0, "no list of modules in the documentation")];
    }
    for (n, (name, line)) in declared.iter().enumerate() {
        let rule = match listed.get(n) {
            Some((expected, _)) if expected == name => continue,
            Some((expected, _)) => format!("the list says `{expected}` comes here, not `{name}`"),
            None => format!("`{name}` is not in the list of modules"),
        };
        return vec![Violation { path: library.path.clone(), line: *line, rule }];
    }
    let missing = listed.iter().skip(declared.len());
    missing
        .map(|(name, line)| Violation {
            path: library.path.clone(),
            line: *line,
            rule: format!("`{name}` is listed but not a module"),
        })
        .collect()
}

/// Every path to another top-level module leads upwards in the list. The library and the binary stand above the layers.
fn layering(source: &Source, layers: &[(String, usize)]) -> Vec<Violation> {
    let rank = |name: &str| layers.iter().position(|(layer, _)| layer == name);
    let Some(own) = source.module.first() else { return Vec::new() };
    let mut out = Vec::new();
    for (at, used) in reached(source) {
        let rule = match (rank(own), rank(used)) {
            _ if used == own => continue,
            (Some(own_rank), Some(used_rank)) if used_rank < own_rank => continue,
            (None, _) => format!("`{own}` is not in the list of modules"),
            (_, None) => format!("`crate::{used}` is no module of the list"),
            _ => format!("`{own}` may not use `{used}`: it stands below it in the list of src/lib.rs"),
        };
        out.push(source.violation(at, &rule));
    }
    out
}

/// `unsafe` only in files that may, and a `// SAFETY:` comment right above its statement.
fn unsafety(source: &Source) -> Vec<Violation> {
    let allowed = MAY_BE_UNSAFE.iter().any(|file| source.path == Path::new(file));
    let lines: Vec<&str> = source.text.lines().collect();
    let told = |at: usize| {
        let mut above = lines[..source.line(at) - 1].iter().rev().map(|line| line.trim());
        let comment = above.by_ref().skip_while(|line| {
            // The statement may have begun on an earlier line.
            !line.starts_with("//") && !line.is_empty() && !line.ends_with([';', '{', '}'])
        });
        comment.take_while(|line| line.starts_with("//")).any(|line| line.contains("SAFETY:"))
    };
    words(&source.code, "unsafe")
        .filter_map(|at| match allowed {
            false => Some(source.violation(at.start, "`unsafe` may not stand in this file")),
            true if !told(at.start) => {
                Some(source.violation(at.start, "`unsafe` without a `// SAFETY:` comment above it"))
            }
            true => None,
        })
        .collect()
}

/// Nobody but the clock asks the operating system what time it is.
fn clocks(source: &Source) -> Vec<Violation> {
    if source.path == Path::new(CLOCK) {
        return Vec::new();
    }
    let calls = ["Instant", "SystemTime"].into_iter().flat_map(|clock| {
        let reads = move |at: &Range<usize>| path_goes_on(&source.code[at.end..], "now");
        words(&source.code, clock).filter(reads)
    });
    calls
        .filter(|at| !source.code[..at.start].ends_with("clock::"))
        .map(|at| source.violation(at.start, "only src/clock.rs reads clocks: take `now` as an argument"))
        .collect()
}

/// `.unwrap()` only in what `#[cfg(test)]` marks.
fn unwraps(source: &Source) -> Vec<Violation> {
    let tests = marked_as_test(source);
    words(&source.code, "unwrap")
        .filter(|at| !tests.iter().any(|test| test.contains(&at.start)))
        .filter(|at| source.code[at.end..].starts_with("()"))
        .map(|at| source.violation(at.start, "`unwrap()` outside tests"))
        .collect()
}

/// One subject to a file.
fn length(source: &Source) -> Option<Violation> {
    let lines = source.text.lines().count();
    let rule = format!("{lines} lines, of at most {LINES_MAX}");
    (lines > LINES_MAX).then(|| Violation { path: source.path.clone(), line: lines, rule })
}

// ------------------------------------------------------------------------------------------------------- what a path leads to

/// The top-level modules that a file's `crate::` and `super::` paths reach, and where.
fn reached(source: &Source) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    for start in ["crate", "super"] {
        for at in words(&source.code, start) {
            // `super::super` is followed from its first word; `$crate` is a macro's own business.
            if source.code[..at.start].trim_end().ends_with("::") {
                continue;
            }
            let depth = match start {
                "crate" => Some(0),
                _ => (source.module.len() + source.inline_depth(at.start)).checked_sub(1),
            };
            if let Some(depth) = depth {
                follow(&source.code, at.end, depth, &mut out);
            }
        }
    }
    out
}

/// Follows what comes after a path's first words, which have led to a module `depth` levels below the crate's root.
fn follow<'a>(code: &'a str, at: usize, depth: usize, out: &mut Vec<(usize, &'a str)>) {
    let Some(rest) = code[at..].trim_start().strip_prefix("::") else { return };
    tree(code, code.len() - rest.trim_start().len(), depth, out);
}

/// Reads a use tree: `a::b`, `super::a` or `{a, b::c}`.
fn tree<'a>(code: &'a str, at: usize, depth: usize, out: &mut Vec<(usize, &'a str)>) {
    let rest = &code[at..];
    if rest.starts_with('{') {
        for item in group(rest) {
            let item = at + item + (rest[item..].len() - rest[item..].trim_start().len());
            tree(code, item, depth, out);
        }
        return;
    }
    match identifier(rest) {
        Some("super") => follow(code, at + "super".len(), depth.saturating_sub(1), out),
        Some("self") | None => {}
        Some(name) if depth == 0 => out.push((at, name)),
        Some(_) => {}
    }
}

/// Where the items of the group that opens here begin.
fn group(code: &str) -> Vec<usize> {
    let (mut depth, mut items) = (0, Vec::new());
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match (c, depth) {
            ('{' | ',', 1) => items.push(at + 1),
            (_, 0) => break,
            _ => {}
        }
    }
    items
}

// ------------------------------------------------------------------------------------------------------------------ reading Rust

/// A file of the project.
struct Source {
    /// From the project's root.
    path: PathBuf,
    /// Its module: `["net", "udp"]`; none for the library's root, the binary and what is not in `src`.
    module: Vec<String>,
    text: String,
    /// The text with comments, strings and characters blanked out: as many octets, as many lines.
    code: String,
}

impl Source {
    fn new(path: &Path, text: &str) -> Source {
        let mut module: Vec<String> = match path.strip_prefix("src") {
            Ok(inside) => {
                inside.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect()
            }
            Err(_) => Vec::new(),
        };
        if module.last().is_some_and(|last| last == "mod")
            || matches!(&*module, [one] if one == "lib" || one == "main")
        {
            module.pop();
        }
        Source { path: path.to_owned(), module, text: text.to_owned(), code: code_of(text) }
    }

    /// The line, from 1, of an offset.
    fn line(&self, at: usize) -> usize {
        1 + self.code[..at].matches('\n').count()
    }

    fn violation(&self, at: usize, rule: &str) -> Violation {
        Violation { path: self.path.clone(), line: self.line(at), rule: rule.to_owned() }
    }

    /// How many `mod x { ... }` stand around an offset.
    fn inline_depth(&self, at: usize) -> usize {
        let bodies = words(&self.code, "mod").filter_map(|word| {
            let name = identifier(&self.code[word.end..])?;
            let after = self.code[word.end..].trim_start().strip_prefix(name)?.trim_start();
            after.starts_with('{').then(|| block(&self.code, self.code.len() - after.len()))
        });
        bodies.filter(|body| body.contains(&at)).count()
    }
}

/// Blanks comments, strings and characters.
fn code_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hidden = hidden_prefix(rest, out.chars().next_back());
        if hidden == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        out.extend(rest[..hidden].bytes().map(|octet| if octet == b'\n' { '\n' } else { ' ' }));
        rest = &rest[hidden..];
    }
    out
}

/// Octets of the comment, string or character that begins here; 0 if none does.
fn hidden_prefix(rest: &str, before: Option<char>) -> usize {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    if let Some(body) = rest.strip_prefix('"') {
        return 1 + quoted(body, '"');
    }
    let raw =
        rest.strip_prefix("br").or(rest.strip_prefix("cr")).or(rest.strip_prefix('r')).filter(|_| !in_word);
    if let Some(raw) = raw {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if let Some(body) = raw[hashes..].strip_prefix('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return rest.len() - body.len() + body.find(&end).map_or(body.len(), |at| at + end.len());
        }
    }
    match rest.strip_prefix('\'') {
        // `'a'` and `'\n'` are characters, `'a` is a lifetime.
        Some(body) if body.starts_with('\\') || body.chars().nth(1) == Some('\'') => 1 + quoted(body, '\''),
        _ => 0,
    }
}

/// Octets up to and with the closing quote.
fn quoted(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    body.len()
}

/// Octets of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    rest.len()
}

/// Where a word stands alone in code.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).map(|(at, word)| at..at + word.len()).filter(move |at| {
        !code[..at.start].ends_with(|c| part(c) || c == '$' || c == '#') && !code[at.end..].starts_with(part)
    })
}

/// The identifier that begins here, after white space.
fn identifier(code: &str) -> Option<&str> {
    let code = code.trim_start();
    let end = code.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(code.len());
    (end > 0).then(|| &code[..end])
}

/// Whether `::name` follows.
fn path_goes_on(code: &str, name: &str) -> bool {
    code.trim_start().strip_prefix("::").is_some_and(|rest| identifier(rest) == Some(name))
}

/// The block whose brace opens at `open`.
fn block(code: &str, open: usize) -> Range<usize> {
    let mut depth = 0;
    for (at, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return open..open + at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    open..code.len()
}

/// The items that `#[cfg(test)]` marks.
fn marked_as_test(source: &Source) -> Vec<Range<usize>> {
    let marks = source.code.match_indices("#[cfg(test)]");
    marks
        .map(|(at, _)| match source.code[at..].find([';', '{']).map(|n| at + n) {
            Some(open) if source.code[open..].starts_with('{') => at..block(&source.code, open).end,
            Some(end) => at..end,
            None => at..source.code.len(),
        })
        .collect()
}

/// Files that hold a module marked `#[cfg(test)]`.
fn test_files(sources: &[Source]) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for source in sources {
        for marked in marked_as_test(source) {
            let item = &source.code[marked];
            let module = words(item, "mod").next().and_then(|at| identifier(&item[at.end..]));
            if let (Some(module), false) = (module, item.ends_with('}')) {
                let folder: PathBuf =
                    ["src"].into_iter().chain(source.module.iter().map(String::as_str)).collect();
                out.extend([folder.join(format!("{module}.rs")), folder.join(module).join("mod.rs")]);
            }
        }
    }
    out
}

/// The Rust files below some folders of the project.
fn sources(folders: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut todo, mut out) =
        (folders.iter().map(|folder| root.join(folder)).collect::<Vec<_>>(), Vec::new());
    while let Some(folder) = todo.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                out.push(Source::new(path.strip_prefix(root).unwrap(), &text));
            }
        }
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

fn library() -> Source {
    sources(&["src"]).into_iter().find(|source| source.path == Path::new("src/lib.rs")).unwrap()
}

// ----------------------------------------------------------------------------------------- the checkers see what they should

mod checkers {
    use super::*;

    const LIST: &str = "//! ```text\n//! wire  octets\n//! zone  data\n//! net   sockets\n//! ```\n";

    fn source(path: &str, text: &str) -> Source {
        Source::new(Path::new(path), text)
    }

    /// The violations of a checker as `line: rule`.
    fn seen(violations: Vec<Violation>) -> Vec<String> {
        violations.into_iter().map(|v| format!("{}: {}", v.line, v.rule)).collect()
    }

    #[test]
    fn of_the_list_see_a_module_too_many_too_few_or_out_of_order() {
        let check =
            |modules: &str| seen(list_and_modules(&source("src/lib.rs", &format!("{LIST}{modules}"))));
        assert_eq!(check("pub mod wire;\npub mod zone;\npub mod net;\n"), Vec::<String>::new());
        assert_eq!(check("pub mod wire;\npub mod net;\n"), ["7: the list says `zone` comes here, not `net`"]);
        assert_eq!(check("pub mod wire;\npub mod zone;\n"), ["4: `net` is listed but not a module"]);
        let more = "pub mod wire;\npub mod zone;\npub mod net;\nmod secret;\n";
        assert_eq!(check(more), ["9: `secret` is not in the list of modules"]);
        assert_eq!(seen(list_and_modules(&source("src/lib.rs", "pub mod wire;"))).len(), 1);
    }

    #[test]
    fn of_layers_see_every_way_down() {
        let layers = layers(&source("src/lib.rs", LIST));
        let check = |path: &str, text: &str| {
            let found = layering(&source(path, text), &layers);
            found
                .into_iter()
                .map(|v| (v.line, v.rule.split('`').nth(3).unwrap_or(&v.rule).to_owned()))
                .collect::<Vec<_>>()
        };
        let down = |line: usize, to: &str| vec![(line, to.to_owned())];
        assert_eq!(check("src/zone/mod.rs", "use crate::net::Server;"), down(1, "net"));
        assert_eq!(
            check("src/zone.rs", "use crate::{\n    wire::{Name, net},\n    net as sockets,\n};"),
            down(3, "net")
        );
        assert_eq!(check("src/zone/tree.rs", "\nfn f() { super::super::net::bind() }"), down(2, "net"));
        assert_eq!(check("src/zone/mod.rs", "use super::{wire, net};"), down(1, "net"));
        assert_eq!(check("src/zone/tree.rs", "use super::{super::net, node};"), down(1, "net"));
        assert_eq!(check("src/zone/tree.rs", "mod tests { use super::super::super::net; }"), down(1, "net"));
        assert_eq!(check("src/wire/name.rs", "fn f(z: &crate::zone::Zone) {}"), down(1, "zone"));
        assert_eq!(check("src/zone/mod.rs", "type T = crate :: net :: Server;"), down(1, "net"));
    }

    #[test]
    fn of_layers_let_pass_what_goes_up_or_stays() {
        let layers = layers(&source("src/lib.rs", LIST));
        let check = |path: &str, text: &str| layering(&source(path, text), &layers).len();
        assert_eq!(check("src/net/mod.rs", "use crate::{wire::Name, zone};\nuse crate::net::udp;"), 0);
        assert_eq!(check("src/zone/tree.rs", "use super::net::X; mod tests { use super::super::net; }"), 0);
        assert_eq!(
            check("src/zone/mod.rs", "// crate::net\n/* crate::net */ const S: &str = \"crate::net\";"),
            0
        );
        assert_eq!(check("src/zone/mod.rs", "pub(crate) fn f() { r#\"crate::net\"# }"), 0);
        assert_eq!(check("src/main.rs", "use waymark::net; use crate::net;"), 0);
    }

    #[test]
    fn of_unsafe_see_the_wrong_file_and_the_missing_reason() {
        let check = |path: &str, text: &str| seen(unsafety(&source(path, text)));
        let call = "fn f() {\n    let n = unsafe { recv() };\n}\n";
        assert_eq!(check("src/zone/mod.rs", call), ["2: `unsafe` may not stand in this file"]);
        assert_eq!(check("src/net/udp.rs", call), ["2: `unsafe` without a `// SAFETY:` comment above it"]);
        let told = "fn f() {\n    // SAFETY: it is owned\n    // and it lives.\n    let n =\n        unsafe { recv() };\n}\n";
        assert_eq!(check("src/net/udp.rs", told), Vec::<String>::new());
        let other = "// SAFETY: of another statement\nlet m = 1;\nlet n = unsafe { recv() };\n";
        assert_eq!(check("src/net/udp.rs", other), ["3: `unsafe` without a `// SAFETY:` comment above it"]);
        assert_eq!(check("src/zone/mod.rs", "#![allow(unsafe_code)] // unsafe\n"), Vec::<String>::new());
    }

    #[test]
    fn of_clocks_see_std_and_tokio() {
        let check = |path: &str, text: &str| clocks(&source(path, text)).len();
        assert_eq!(check("src/net/mod.rs", "let t = std::time::Instant::now();\nSystemTime :: now()"), 2);
        assert_eq!(check("tests/daemon.rs", "map(tokio::time::Instant::now)"), 1);
        assert_eq!(check("src/clock.rs", "Instant::now()"), 0);
        assert_eq!(check("src/net/mod.rs", "clock::now(); Instant::nowhere(); \"Instant::now\""), 0);
    }

    #[test]
    fn of_unwrap_see_what_is_no_test() {
        let check = |text: &str| seen(unwraps(&source("src/zone/mod.rs", text)));
        assert_eq!(check("fn f() { x.unwrap() }"), ["1: `unwrap()` outside tests"]);
        assert_eq!(
            check("#[cfg(test)]\nmod tests { fn f() { x.unwrap() } }\nfn g() {\n x.unwrap() }"),
            ["4: `unwrap()` outside tests"]
        );
        assert_eq!(check("fn f() { x.unwrap_or(1); '\"'; \"a.unwrap()\" }"), Vec::<String>::new());
        let parent = source("src/zone/mod.rs", "#[cfg(test)]\nmod tests;\nmod tree;");
        assert!(test_files(&[parent]).contains(&PathBuf::from("src/zone/tests.rs")));
    }

    #[test]
    fn of_length_see_one_line_too_many() {
        let lines = |n: usize| length(&source("src/zone/mod.rs", &"\n".repeat(n))).is_some();
        assert!(!lines(LINES_MAX) && lines(LINES_MAX + 1));
    }

    #[test]
    fn read_lifetimes_raw_strings_and_nested_comments() {
        let check = |text: &str, expected: &str| {
            assert_eq!(code_of(text).split_whitespace().collect::<String>(), expected)
        };
        check("fn f<'a>(x: &'a str) {}", "fnf<'a>(x:&'astr){}");
        check("let c = ['\\'', '\"', 'x']; y", "letc=[,,];y");
        check("/* a /* b */ c */ d // e\n f", "df");
        check("r##\"a\"# b\"## c br\"d\\\" e", "ce");
        check("\"a\\\"b\" c", "c");
    }
}
