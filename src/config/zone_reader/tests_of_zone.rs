//! `[[test]]`.

use super::Parts;
use crate::config::reader::{Reader, Table, Value, closest};
use crate::config::{Down, Expect, Spanned, TestSpec};
use crate::rrset::parse_rdata;
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
        let (query, expect) = (table.take("query"), table.take("expect"));
        let from = table.take("from").and_then(|value| reader.address(value));
        let down = table.take("down").map_or_else(Vec::new, |value| reader.list(value, read_down));
        let span = table.span;
        for (written, missing) in
            [(query, "a query: query = \"www A\""), (expect, "an expect: expect = \"192.0.2.1\"")]
        {
            if written.is_none() {
                reader.error(span, format!("a test needs {missing}"));
            }
        }
        reader.finish(table, "[[test]]");
        let query = query.and_then(|value| self.read_query(reader, value));
        let expect_span = expect?.span;
        let expect = self.read_expect(reader, expect?, query.as_ref().map(|(_, rtype)| *rtype))?;
        let (name, rtype) = query?;
        Some(TestSpec { name: name.as_name().to_owned(), rtype, from, down, expect, expect_span, span })
    }

    fn read_query(&self, reader: &mut Reader<'_>, value: Value<'_>) -> Option<(NameBuf, Rtype)> {
        let (name, rtype) = reader.parse(value, "a name and a type, as in \"www A\"", |text| {
            let (name, rtype) = text.trim().rsplit_once(char::is_whitespace)?;
            Some((name.trim().to_owned(), Rtype::from_text(rtype)?))
        })?;
        Some((reader.name_text(&name, value.span, self.apex.as_name())?, rtype))
    }

    /// A pool, a member, a response code, or record data of the type asked, where that is known.
    fn read_expect(&self, reader: &mut Reader<'_>, value: Value<'_>, rtype: Option<Rtype>) -> Option<Expect> {
        let texts = reader.list(value, Reader::string);
        if reader.is_string(value) {
            let text = &texts.first()?.value;
            let named = match text.split_once(':') {
                Some(("pool", name)) => Some(Expect::Pool(name.to_owned())),
                Some(("member", id)) => Some(Expect::Member(id.to_owned())),
                _ => Rcode::from_text(text).map(Expect::Rcode),
            };
            if named.is_some() {
                return named;
            }
        }
        for text in &texts {
            self.check_data(reader, text, rtype);
        }
        Some(Expect::Rdata(texts.into_iter().map(|text| text.value).collect()))
    }

    /// Tells when text is not data of the type asked; such text is often a word that is not quite right.
    fn check_data(&self, reader: &mut Reader<'_>, text: &Spanned<String>, rtype: Option<Rtype>) {
        let Some(rtype) = rtype else { return };
        let mut rdata = Vec::new();
        let Err(error) = parse_rdata(rtype, &text.value, self.apex.as_name(), &mut rdata) else {
            if let Some((message, cure)) = self.slip_in(&text.value, &rdata) {
                reader.error(text.span, message).help = Some(cure);
            }
            return;
        };
        let hint = match text.value.split_once(':') {
            Some((kind, name)) => {
                closest(kind, ["pool", "member"]).map(|hint| hint.replace("\"?", &format!(":{name}\"?")))
            }
            None if text.value.eq_ignore_ascii_case("nodata") => Some("NODATA is written []".into()),
            None => closest(&text.value.to_ascii_uppercase(), Rcode::MNEMONICS.iter().copied()),
        };
        let told =
            reader.error(text.span, format!("{:?} is not {rtype} data: {}", text.value, error.message));
        told.label =
            "expected pool:NAME, member:ID, a response code as NXDOMAIN, or data; [] for NODATA".into();
        told.help = hint;
    }
}

fn read_down(reader: &mut Reader<'_>, value: Value<'_>) -> Option<Spanned<Down>> {
    let down = reader.parse(value, "\"pool:NAME\" or \"member:ID\"", Down::from_text)?;
    Some(Spanned { value: down, span: value.span })
}
