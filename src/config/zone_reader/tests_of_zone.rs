//! `[[test]]`.

use super::Parts;
use crate::config::reader::{Reader, Table, Value};
use crate::config::{Down, Expect, Spanned, TestSpec};
use crate::wire::{NameBuf, Rcode, Rtype};

impl Parts {
    /// Reads every test.
    pub(super) fn read_tests(&mut self, reader: &mut Reader<'_>, root: &mut Table<'_>) -> Vec<TestSpec> {
        let Some(value) = root.take("test") else { return Vec::new() };
        let mut tests = Vec::new();
        for element in reader.one_or_more(value) {
            tests.extend(self.read_test(reader, element));
        }
        tests
    }

    fn read_test(&self, reader: &mut Reader<'_>, value: Value<'_>) -> Option<TestSpec> {
        let mut table = reader.table(value)?;
        let query = table.take("query").and_then(|value| {
            reader.parse(value, "a name and a type, as in \"www A\"", |text| {
                let (name, rtype) = text.trim().rsplit_once(char::is_whitespace)?;
                let name = NameBuf::from_text(name.trim(), self.apex.as_name()).ok()?;
                Some((name, Rtype::from_text(rtype)?))
            })
        });
        let from = table.take("from").and_then(|value| reader.address(value));
        let down = table.take("down").map_or_else(Vec::new, |value| reader.list(value, read_down));
        let expect = table.take("expect");
        let span = table.span;
        if query.is_none() && table.peek("query").is_none() || expect.is_none() {
            reader.error(span, "a test needs a query and what to expect");
        }
        reader.finish(table, "[[test]]");
        let expect = read_expect(reader, expect?)?;
        let (name, rtype) = query?;
        Some(TestSpec { name: name.as_name().to_owned(), rtype, from, down, expect, span })
    }
}

fn read_down(reader: &mut Reader<'_>, value: Value<'_>) -> Option<Spanned<Down>> {
    let down =
        reader.parse(value, "\"pool:NAME\" or \"member:ID\"", |text| match text.split_once(':')? {
            ("pool", name) => Some(Down::Pool(name.to_owned())),
            ("member", id) => Some(Down::Member(id.to_owned())),
            _ => None,
        })?;
    Some(Spanned { value: down, span: value.span })
}

/// A pool, a member, a response code, or record data.
fn read_expect(reader: &mut Reader<'_>, value: Value<'_>) -> Option<Expect> {
    if !reader.is_string(value) {
        let texts = reader.list(value, Reader::string);
        return Some(Expect::Rdata(texts.into_iter().map(|text| text.value).collect()));
    }
    let text = reader.string(value)?.value;
    Some(match text.split_once(':') {
        Some(("pool", name)) => Expect::Pool(name.to_owned()),
        Some(("member", id)) => Expect::Member(id.to_owned()),
        _ => match Rcode::from_text(&text) {
            Some(rcode) => Expect::Rcode(rcode),
            None => Expect::Rdata(vec![text]),
        },
    })
}
