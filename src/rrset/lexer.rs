//! Entries of a master file: the tokens of a line, or of several within parentheses.

use super::Token;

/// The tokens of one entry and where they stand.
#[derive(Default)]
pub(crate) struct Entry<'t> {
    /// The line starts with a blank: the owner is the last one.
    pub blank: bool,
    pub tokens: Vec<Token<'t>>,
    spans: Vec<(u32, u32)>,
}

impl<'t> Entry<'t> {
    /// Adds a token.
    pub fn push(&mut self, text: &'t str, quoted: bool, (from, to): (usize, usize)) {
        self.tokens.push(Token { text, quoted });
        self.spans.push((from as u32, to as u32));
    }

    /// Where a token stands; of one that is missing, the last.
    pub fn span(&self, token: usize) -> (usize, usize) {
        let span = self.spans.get(token).or(self.spans.last());
        span.map_or((0, 0), |(from, to)| (*from as usize, *to as usize))
    }
}

/// Splits text into entries.
pub(crate) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// Parentheses open.
    parentheses: usize,
    /// The first string of the entry that goes over lines.
    over_lines: Option<usize>,
}

/// Where an error is, and what it is.
type LexError = ((usize, usize), &'static str);

const QUOTE: &str = "the closing quote is missing";

impl<'t> Lexer<'t> {
    pub fn new(text: &'t str) -> Lexer<'t> {
        Lexer { text, at: 0, parentheses: 0, over_lines: None }
    }

    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Reads the next entry that has tokens. False at the end. After an error the line after it is read, or the one after the entry.
    pub fn next(&mut self, entry: &mut Entry<'t>) -> Result<bool, LexError> {
        entry.tokens.clear();
        entry.spans.clear();
        (self.parentheses, self.over_lines) = (0, None);
        self.entry(entry).map_err(|(at, message)| {
            // A string that goes over lines before all goes wrong most likely lacks its quote, and took that of another.
            let (from, message) = self.over_lines.map_or((at, message), |from| (from, QUOTE));
            self.skip_broken(from);
            ((from, from + 1), message)
        })
    }

    /// Reads an entry. The error says where.
    fn entry(&mut self, entry: &mut Entry<'t>) -> Result<bool, (usize, &'static str)> {
        let octets = self.text.as_bytes();
        let mut opened = self.at;
        entry.blank = matches!(octets.get(self.at), Some(b' ' | b'\t'));
        loop {
            match octets.get(self.at) {
                None if self.parentheses > 0 => return Err((opened, "the closing parenthesis is missing")),
                None => return Ok(!entry.tokens.is_empty()),
                Some(b'\n') => {
                    self.at += 1;
                    if self.parentheses == 0 {
                        if !entry.tokens.is_empty() {
                            return Ok(true);
                        }
                        entry.blank = matches!(octets.get(self.at), Some(b' ' | b'\t'));
                    }
                }
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b';') => self.at = end(octets, self.at, |octet| octet == b'\n'),
                Some(b'(') => {
                    if self.parentheses == 0 {
                        opened = self.at;
                    }
                    self.parentheses += 1;
                    self.at += 1;
                }
                Some(b')') => {
                    if self.parentheses == 0 {
                        return Err((self.at, "this parenthesis closes nothing"));
                    }
                    self.parentheses -= 1;
                    self.at += 1;
                }
                Some(b'"') => self.quoted(entry)?,
                Some(_) => {
                    let from = self.at;
                    self.at = word_end(octets, from);
                    entry.push(&self.text[from..self.at], false, (from, self.at));
                }
            }
        }
    }

    /// A string in quotes; within parentheses it may go over lines. Elsewhere that is a quote forgotten, or the records up to the
    /// next one would be lost in it; so it is where the string seems to end in the middle of a word: there another one starts.
    fn quoted(&mut self, entry: &mut Entry<'t>) -> Result<(), (usize, &'static str)> {
        let (octets, from) = (self.text.as_bytes(), self.at);
        let (mut at, mut over_lines) = (from + 1, false);
        while let Some(&octet) = octets.get(at) {
            match octet {
                b'"' => {
                    let ends = |next: &u8| matches!(next, b' ' | b'\t' | b'\r' | b'\n' | b')' | b';');
                    if over_lines && !octets.get(at + 1).is_none_or(ends) {
                        break;
                    }
                    if over_lines {
                        self.over_lines.get_or_insert(from);
                    }
                    entry.push(&self.text[from + 1..at], true, (from, at + 1));
                    self.at = at + 1;
                    return Ok(());
                }
                b'\n' if self.parentheses == 0 => break,
                b'\\' if octets.get(at + 1).is_some_and(u8::is_ascii) => at += 2,
                _ => {
                    over_lines |= octet == b'\n';
                    at += 1;
                }
            }
        }
        Err((from, QUOTE))
    }

    /// Goes on after the line of an error, and after the lines that belong to it where parentheses are open: those that start with a
    /// blank or a parenthesis, up to the one that closes it.
    fn skip_broken(&mut self, from: usize) {
        let octets = self.text.as_bytes();
        let mut line = from;
        loop {
            self.at = end(octets, line, |octet| octet == b'\n');
            let next = self.at + 1;
            let goes_on = matches!(octets.get(next), Some(b' ' | b'\t' | b'\r' | b'\n' | b')'));
            if self.parentheses == 0 || octets[line..self.at].contains(&b')') || !goes_on {
                return;
            }
            line = next;
        }
    }
}

/// Where the first octet that `stops` stands, from `at` on.
fn end(octets: &[u8], at: usize, stops: impl Fn(u8) -> bool) -> usize {
    octets[at..].iter().position(|&octet| stops(octet)).map_or(octets.len(), |found| at + found)
}

/// Where a word ends: at a blank, a parenthesis, a comment or a quote that is not escaped.
fn word_end(octets: &[u8], mut at: usize) -> usize {
    while let Some(&octet) = octets.get(at) {
        match octet {
            b' ' | b'\t' | b'\r' | b'\n' | b'(' | b')' | b';' | b'"' => break,
            b'\\' if octets.get(at + 1).is_some_and(|next| next.is_ascii() && *next != b'\n') => at += 2,
            _ => at += 1,
        }
    }
    at
}
