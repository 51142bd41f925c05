//! Domain names in uncompressed wire form (RFC 1035 §3.1): length-prefixed labels up to the empty root label, at most 255
//! octets. Case is kept as written; equality, order and hash ignore ASCII case (RFC 4343). Order is canonical (RFC 4034 §6.1).

use super::Malformed;
use crate::limits;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The most octets a name has, the root label counted.
pub const MAX_NAME: usize = 255;

//----------- Name ---------------------------------------------------------------------------------------------------

/// A borrowed name. Construction checks it, so every `Name` is well-formed and ends in the root label.
#[derive(Clone, Copy)]
pub struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// The root.
    pub const ROOT: Name<'static> = Name(&[0]);

    /// The uncompressed name that starts `bytes`, and what follows it. A compression pointer is malformed here.
    pub fn parse(bytes: &'a [u8]) -> Result<(Name<'a>, &'a [u8]), Malformed> {
        let mut at = 0;
        loop {
            let len = *bytes.get(at).ok_or(Malformed)? as usize;
            at += 1 + len;
            // RFC 1035 §2.3.4: labels of 63 octets, names of 255.
            if len > 63 || at > MAX_NAME {
                return Err(Malformed);
            }
            if len == 0 {
                let (name, rest) = bytes.split_at(at);
                return Ok((Name(name), rest));
            }
        }
    }

    /// The name that is exactly `bytes`.
    pub fn from_wire(bytes: &'a [u8]) -> Result<Name<'a>, Malformed> {
        match Name::parse(bytes)? {
            (name, []) => Ok(name),
            _ => Err(Malformed),
        }
    }

    /// A name whose bytes were checked when they were stored; only for storage that checked them.
    pub(crate) fn stored(bytes: &'a [u8]) -> Name<'a> {
        debug_assert!(Name::from_wire(bytes).is_ok());
        Name(bytes)
    }

    /// The wire form, root label included.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Octets of the wire form, 1..=255. A name is never empty: the root has one octet.
    #[allow(clippy::len_without_is_empty)]
    pub const fn len(self) -> usize {
        self.0.len()
    }

    /// Whether this is the root.
    pub const fn is_root(self) -> bool {
        self.0.len() == 1
    }

    /// The labels from the leftmost, without the root's empty one.
    pub const fn labels(self) -> Labels<'a> {
        Labels(self.0)
    }

    /// How many labels, without the root's: 0..=127.
    pub fn label_count(self) -> usize {
        self.labels().count()
    }

    /// The leftmost label; empty for the root.
    pub fn first_label(self) -> &'a [u8] {
        &self.0[1..1 + self.0[0] as usize]
    }

    /// Whether the leftmost label is `*` (RFC 4592).
    pub fn is_wildcard(self) -> bool {
        self.0.starts_with(b"\x01*")
    }

    /// The name without its leftmost label; none for the root.
    pub fn parent(self) -> Option<Name<'a>> {
        if self.is_root() { None } else { Some(Name(&self.0[1 + self.0[0] as usize..])) }
    }

    /// The name's last `labels` labels (all of it, if it has no more).
    pub fn suffix(self, labels: usize) -> Name<'a> {
        let mut name = self;
        for _ in labels..self.label_count() {
            name = name.parent().unwrap_or(name);
        }
        name
    }

    /// Whether this is `ancestor` or below it.
    pub fn is_within(self, ancestor: Name<'_>) -> bool {
        let Some(cut) = self.0.len().checked_sub(ancestor.0.len()) else { return false };
        if !same(&self.0[cut..], ancestor.0) {
            return false;
        }
        // The suffix must start at a label, not inside one.
        let mut at = 0;
        while at < cut {
            at += 1 + self.0[at] as usize;
        }
        at == cut
    }

    /// Whether this is below `ancestor` and not it.
    pub fn is_below(self, ancestor: Name<'_>) -> bool {
        self.len() != ancestor.len() && self.is_within(ancestor)
    }

    /// The longest name that is `self` or an ancestor and also `other` or an ancestor.
    pub fn common_ancestor(self, other: Name<'_>) -> Name<'a> {
        let mut name = self;
        while !other.is_within(name) {
            name = name.parent().unwrap_or(Name::ROOT);
        }
        name
    }

    /// A boxed copy.
    pub fn to_owned(self) -> OwnedName {
        OwnedName(self.0.into())
    }

    /// An inline copy.
    pub fn to_buf(self) -> NameBuf {
        let mut buf = NameBuf::root();
        buf.bytes[..self.0.len()].copy_from_slice(self.0);
        buf.len = self.0.len() as u8;
        buf
    }
}

impl PartialEq<Name<'_>> for Name<'_> {
    fn eq(&self, other: &Name<'_>) -> bool {
        same(self.0, other.0)
    }
}

/// Whether octets are equal but for case. Length octets are below 'A', so ignoring case of all octets ignores only that of letters.
fn same(a: &[u8], b: &[u8]) -> bool {
    // Names that are equal mostly are so to the letter, and that is soon found out.
    a == b || a.eq_ignore_ascii_case(b)
}

impl Eq for Name<'_> {}

impl Hash for Name<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut lower = [0; MAX_NAME];
        let lower = &mut lower[..self.0.len()];
        lower.copy_from_slice(self.0);
        lower.make_ascii_lowercase();
        state.write(lower);
    }
}

impl PartialOrd for Name<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (n, m) = (self.label_count(), other.label_count());
        let (mut a, mut b) = (self.suffix(m), other.suffix(n));
        // RFC 4034 §6.1: the rightmost label that differs decides; of equal ones the shorter name is first.
        let mut order = n.cmp(&m);
        let mut same_depth = Ordering::Equal;
        while let (Some(next_a), Some(next_b)) = (a.parent(), b.parent()) {
            let labels = a.first_label().iter().map(u8::to_ascii_lowercase);
            match labels.cmp(b.first_label().iter().map(u8::to_ascii_lowercase)) {
                Ordering::Equal => {}
                different => same_depth = different,
            }
            (a, b) = (next_a, next_b);
        }
        if same_depth != Ordering::Equal {
            order = same_depth;
        }
        order
    }
}

impl fmt::Display for Name<'_> {
    /// Presentation form with a final dot; octets outside the printable ASCII range as `\DDD` (RFC 1035 §5.1).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        if self.is_root() {
            return f.write_str(".");
        }
        for label in self.labels() {
            for &octet in label {
                match octet {
                    b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => {
                        f.write_char('\\')?;
                        f.write_char(octet as char)?;
                    }
                    0x21..=0x7e => f.write_char(octet as char)?,
                    _ => write!(f, "\\{octet:03}")?,
                }
            }
            f.write_char('.')?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The labels of a name from the leftmost, without the root's.
#[derive(Clone)]
pub struct Labels<'a>(&'a [u8]);

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];
    fn next(&mut self) -> Option<&'a [u8]> {
        let len = self.0[0] as usize;
        if len == 0 {
            return None;
        }
        let label = &self.0[1..1 + len];
        self.0 = &self.0[1 + len..];
        Some(label)
    }
}

//----------- NameBuf ------------------------------------------------------------------------------------------------

/// A name held inline: no heap, made on the stack of the answering path.
#[derive(Clone)]
pub struct NameBuf {
    len: u8,
    bytes: [u8; MAX_NAME],
}

/// Why text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Two dots in a row, or a leading dot.
    EmptyLabel,
    /// A label of more than 63 octets.
    LabelTooLong,
    /// More than 255 octets in all.
    NameTooLong,
    /// A backslash not followed by a character or three digits up to 255.
    BadEscape,
    /// No text at all.
    Empty,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NameError::EmptyLabel => "a label is empty (two dots in a row, or a leading dot)",
            NameError::LabelTooLong => "a label is longer than 63 octets",
            NameError::NameTooLong => "the name is longer than 255 octets",
            NameError::BadEscape => {
                "a backslash must be followed by a character or by three digits up to 255"
            }
            NameError::Empty => "the name is empty",
        })
    }
}

impl std::error::Error for NameError {}

impl NameBuf {
    /// The root.
    pub const fn root() -> NameBuf {
        NameBuf { len: 1, bytes: [0; MAX_NAME] }
    }

    /// The name as a view.
    pub fn as_name(&self) -> Name<'_> {
        Name(&self.bytes[..self.len as usize])
    }

    /// The name at `at` in `message`, compression followed (RFC 1035 §4.1.4), and where the bytes after it start.
    /// A pointer must point strictly before the label or pointer it continues, so reading ends; and as often as a name may have
    /// labels at most, so it ends soon: a message of pointers to pointers would be read for long (CVE-2024-8508).
    pub fn decompress(message: &[u8], at: usize) -> Result<(NameBuf, usize), Malformed> {
        let mut buf = NameBuf::root();
        let (mut from, mut used, mut floor, mut end, mut jumps) = (at, 0, at, None, 0);
        loop {
            let len = *message.get(from).ok_or(Malformed)? as usize;
            match len >> 6 {
                0 => {
                    let label = message.get(from..from + 1 + len).ok_or(Malformed)?;
                    let room = buf.bytes.get_mut(used..used + label.len()).ok_or(Malformed)?;
                    room.copy_from_slice(label);
                    used += label.len();
                    from += label.len();
                    if len == 0 {
                        buf.len = used as u8;
                        return Ok((buf, end.unwrap_or(from)));
                    }
                }
                3 => {
                    let low = *message.get(from + 1).ok_or(Malformed)? as usize;
                    let target = (len & 0x3f) << 8 | low;
                    end = end.or(Some(from + 2));
                    jumps += 1;
                    if target >= floor || jumps > limits::NAME_POINTERS {
                        return Err(Malformed);
                    }
                    (from, floor) = (target, target);
                }
                _ => return Err(Malformed),
            }
        }
    }

    /// `label` in front of `parent`.
    pub fn child(label: &[u8], parent: Name<'_>) -> Result<NameBuf, NameError> {
        if label.is_empty() {
            return Err(NameError::EmptyLabel);
        }
        if label.len() > 63 {
            return Err(NameError::LabelTooLong);
        }
        let len = 1 + label.len() + parent.len();
        if len > MAX_NAME {
            return Err(NameError::NameTooLong);
        }
        let mut buf = NameBuf::root();
        buf.bytes[0] = label.len() as u8;
        buf.bytes[1..=label.len()].copy_from_slice(label);
        buf.bytes[1 + label.len()..len].copy_from_slice(parent.as_bytes());
        buf.len = len as u8;
        Ok(buf)
    }

    /// `name` with its suffix `from` replaced by `to` (RFC 6672 §2.2). `name` must be within `from`.
    pub fn substitute(name: Name<'_>, from: Name<'_>, to: Name<'_>) -> Result<NameBuf, NameError> {
        let kept = name.len().saturating_sub(from.len());
        let len = kept + to.len();
        if len > MAX_NAME {
            return Err(NameError::NameTooLong);
        }
        let mut buf = NameBuf::root();
        buf.bytes[..kept].copy_from_slice(&name.as_bytes()[..kept]);
        buf.bytes[kept..len].copy_from_slice(to.as_bytes());
        buf.len = len as u8;
        Ok(buf)
    }

    /// Reads presentation form (RFC 1035 §5.1): with a final dot absolute, else relative to `origin`; `@` is the origin.
    pub fn from_text(text: &str, origin: Name<'_>) -> Result<NameBuf, NameError> {
        match text {
            "" => return Err(NameError::Empty),
            "@" => return Ok(origin.to_buf()),
            "." => return Ok(NameBuf::root()),
            _ => {}
        }
        let mut buf = NameBuf::root();
        let (mut label, mut at) = (0, 1);
        let mut octets = text.bytes();
        let mut absolute = false;
        while let Some(octet) = octets.next() {
            absolute = false;
            let octet = match octet {
                b'.' => {
                    close_label(&mut buf.bytes, label, at)?;
                    (label, at) = (at, at + 1);
                    absolute = true;
                    continue;
                }
                b'\\' => unescape(&mut octets)?,
                _ => octet,
            };
            if at >= MAX_NAME {
                return Err(NameError::NameTooLong);
            }
            buf.bytes[at] = octet;
            at += 1;
        }
        let tail = if absolute { Name::ROOT } else { origin };
        if !absolute {
            close_label(&mut buf.bytes, label, at)?;
            label = at;
        }
        let len = label + tail.len();
        if len > MAX_NAME {
            return Err(NameError::NameTooLong);
        }
        buf.bytes[label..len].copy_from_slice(tail.as_bytes());
        buf.len = len as u8;
        Ok(buf)
    }

    /// Makes every ASCII letter lower-case.
    pub fn make_lowercase(&mut self) {
        self.bytes[..self.len as usize].make_ascii_lowercase();
    }
}

/// Writes the length of the label that starts at `label` and ends before `at`.
fn close_label(bytes: &mut [u8; MAX_NAME], label: usize, at: usize) -> Result<(), NameError> {
    match at - label - 1 {
        0 => Err(NameError::EmptyLabel),
        len @ 1..=63 if label < MAX_NAME => {
            bytes[label] = len as u8;
            Ok(())
        }
        1..=63 => Err(NameError::NameTooLong),
        _ => Err(NameError::LabelTooLong),
    }
}

/// The octet that an escape stands for; the backslash is already taken.
fn unescape(octets: &mut std::str::Bytes<'_>) -> Result<u8, NameError> {
    let first = octets.next().ok_or(NameError::BadEscape)?;
    if !first.is_ascii_digit() {
        return Ok(first);
    }
    let mut value = u32::from(first - b'0');
    for _ in 0..2 {
        match octets.next() {
            Some(digit) if digit.is_ascii_digit() => value = value * 10 + u32::from(digit - b'0'),
            _ => return Err(NameError::BadEscape),
        }
    }
    u8::try_from(value).map_err(|_| NameError::BadEscape)
}

impl std::str::FromStr for NameBuf {
    type Err = NameError;
    /// Reads an absolute name; a missing final dot is forgiven.
    fn from_str(text: &str) -> Result<NameBuf, NameError> {
        NameBuf::from_text(text, Name::ROOT)
    }
}

impl fmt::Debug for NameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_name(), f)
    }
}

impl PartialEq for NameBuf {
    fn eq(&self, other: &NameBuf) -> bool {
        self.as_name() == other.as_name()
    }
}

impl Eq for NameBuf {}

//----------- OwnedName ----------------------------------------------------------------------------------------------

/// A name in a box of its own size, for storage.
#[derive(Clone)]
pub struct OwnedName(Box<[u8]>);

impl OwnedName {
    /// The name as a view.
    pub fn as_name(&self) -> Name<'_> {
        Name(&self.0)
    }
}

impl PartialEq for OwnedName {
    fn eq(&self, other: &OwnedName) -> bool {
        self.as_name() == other.as_name()
    }
}

impl Eq for OwnedName {}

impl Hash for OwnedName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_name().hash(state);
    }
}

impl PartialOrd for OwnedName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OwnedName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_name().cmp(&other.as_name())
    }
}

impl std::str::FromStr for OwnedName {
    type Err = NameError;
    /// Reads an absolute name; a missing final dot is forgiven.
    fn from_str(text: &str) -> Result<OwnedName, NameError> {
        Ok(text.parse::<NameBuf>()?.as_name().to_owned())
    }
}

impl fmt::Display for OwnedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_name(), f)
    }
}

impl fmt::Debug for OwnedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_name(), f)
    }
}

#[cfg(test)]
mod tests;
