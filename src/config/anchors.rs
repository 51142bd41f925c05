//! Trust anchors: the built-in ones, none, or a file; and names below which nothing is validated.

use super::load::read_file;
use super::reader::{Reader, Table, Value, closest};
use super::{Severity, Span};
use crate::anchor::{Anchors, Negative, Problem};
use crate::wire::Name;
use std::path::Path;

/// `trust_anchors` and `negative_trust_anchors`.
pub(super) fn read(reader: &mut Reader<'_>, table: &mut Table<'_>, base: &Path) -> Anchors {
    let positive = match table.take("trust_anchors") {
        Some(value) => positive(reader, value, base),
        None => Anchors::builtin(),
    };
    let negative = table.take("negative_trust_anchors").map(|value| negative(reader, value));
    positive.with_negatives(negative.unwrap_or_default())
}

/// "builtin", "none", or a file.
fn positive(reader: &mut Reader<'_>, value: Value<'_>, base: &Path) -> Anchors {
    let Some(text) = reader.string(value) else { return Anchors::none() };
    match text.value.as_str() {
        "builtin" => return Anchors::builtin(),
        "none" => return Anchors::none(),
        _ => (),
    }
    let path = base.join(&text.value);
    if !path.exists()
        && let Some(hint) = closest(&text.value, ["builtin", "none"])
    {
        let told = reader.error(value.span, format!("there is no file {}", path.display()));
        told.help = Some(hint);
        return Anchors::none();
    }
    let Some((file, content)) = read_file(&path, Some(value.span), reader.diagnostics) else {
        return Anchors::none();
    };
    let (anchors, problems) = Anchors::parse(&content, &path.display().to_string());
    for Problem { at: (start, end), message, help, fatal } in problems {
        let span = Span { file, start: start as u32, end: end as u32 };
        let severity = if fatal { Severity::Error } else { Severity::Warning };
        reader.diagnostics.push(severity, Some(span), message).help = Some(help);
    }
    anchors
}

/// A name or several, each once.
fn negative(reader: &mut Reader<'_>, value: Value<'_>) -> Vec<Negative> {
    let mut negatives: Vec<Negative> = Vec::new();
    for element in reader.one_or_more(value) {
        let Some(name) = reader.name(element, Name::ROOT) else { continue };
        if negatives.iter().any(|other| other.name.as_name() == name.as_name()) {
            reader.error(element.span, format!("{} is listed twice", name.as_name()));
        }
        negatives.push(Negative::configured(name.as_name()));
    }
    negatives
}
