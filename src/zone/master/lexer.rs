//! Entries of a master file: the tokens of a line, or of several within parentheses.

use crate::rrset::Token;

/// The tokens of one entry and where they stand.
#[derive(Default)]
pub(super) struct Entry<'t> {
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
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

/// Where an error is, and what it is.
type LexError = ((usize, usize), &'static str);

impl<'t> Lexer<'t> {
    pub fn new(text: &'t str) -> Lexer<'t> {
        Lexer { text, at: 0 }
    }

    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Reads the next entry that has tokens. False at the end. After an error the next line is read.
    pub fn next(&mut self, entry: &mut Entry<'t>) -> Result<bool, LexError> {
        let octets = self.text.as_bytes();
        entry.tokens.clear();
        entry.spans.clear();
        let (mut parentheses, mut line) = (0usize, self.at);
        entry.blank = matches!(octets.get(line), Some(b' ' | b'\t'));
        loop {
            match octets.get(self.at) {
                None if parentheses > 0 => {
                    return Err(((line, self.at), "the closing parenthesis is missing"));
                }
                None => return Ok(!entry.tokens.is_empty()),
                Some(b'\n') => {
                    self.at += 1;
                    if parentheses == 0 {
                        if !entry.tokens.is_empty() {
                            return Ok(true);
                        }
                        line = self.at;
                        entry.blank = matches!(octets.get(line), Some(b' ' | b'\t'));
                    }
                }
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b';') => self.at = end(octets, self.at, |octet| octet == b'\n'),
                Some(b'(') => {
                    (parentheses, line) = (parentheses + 1, self.at);
                    self.at += 1;
                }
                Some(b')') => {
                    if parentheses == 0 {
                        return Err(self.skip_line((self.at, self.at + 1), "this parenthesis closes nothing"));
                    }
                    parentheses -= 1;
                    self.at += 1;
                }
                Some(b'"') => self.quoted(parentheses > 0, entry)?,
                Some(_) => {
                    let from = self.at;
                    self.at = word_end(octets, from);
                    entry.push(&self.text[from..self.at], false, (from, self.at));
                }
            }
        }
    }

    /// A string in quotes; within parentheses it may go over lines. Elsewhere that is a quote forgotten, or the records up to the
    /// next one would be lost in it.
    fn quoted(&mut self, lines: bool, entry: &mut Entry<'t>) -> Result<(), LexError> {
        let (octets, from) = (self.text.as_bytes(), self.at);
        let mut at = from + 1;
        while let Some(&octet) = octets.get(at) {
            match octet {
                b'"' => {
                    entry.push(&self.text[from + 1..at], true, (from, at + 1));
                    self.at = at + 1;
                    return Ok(());
                }
                b'\n' if !lines => break,
                b'\\' if octets.get(at + 1).is_some_and(u8::is_ascii) => at += 2,
                _ => at += 1,
            }
        }
        Err(self.skip_line((from, from + 1), "the closing quote is missing"))
    }

    fn skip_line(&mut self, at: (usize, usize), message: &'static str) -> LexError {
        self.at = end(self.text.as_bytes(), at.0, |octet| octet == b'\n');
        (at, message)
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
