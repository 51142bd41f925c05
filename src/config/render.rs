//! Diagnostics as text: place, line, caret, what was expected, the cure.

use super::{Diagnostic, Diagnostics, Severity, Span};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::path::PathBuf;

/// Where the lines of files end.
#[derive(Default)]
pub struct Lines(Vec<(PathBuf, Vec<usize>)>);

impl Lines {
    /// `file:line`; empty for a file that is not known.
    pub fn of(&self, span: Span) -> String {
        let place = |(path, ends): &(PathBuf, Vec<usize>)| {
            format!("{}:{}", path.display(), ends.partition_point(|end| *end < span.start as usize) + 1)
        };
        self.0.get(span.file as usize).map_or_else(String::new, place)
    }
}

impl Diagnostics {
    /// All of it, errors and warnings in the order in which they were found. Empty when there is nothing to tell.
    pub fn render(&self, color: bool) -> String {
        let texts: Vec<String> = self.list.iter().map(|told| self.show(told, color)).collect();
        texts.iter().map(|text| format!("{text}\n\n")).collect()
    }

    /// Each by itself, for logs: a line `file:line:col: message`, then the lines that show it.
    pub fn render_each(&self) -> impl Iterator<Item = (Severity, String)> {
        self.list.iter().map(|told| {
            let shown = self.show(told, false);
            // The title says the level, as the log does, and the message once more.
            let (_, rest) = shown.split_at(shown.find(&told.message).unwrap_or(0));
            let place = told.span.map_or_else(String::new, |span| self.place(span) + ": ");
            (told.severity, place + rest)
        })
    }

    /// Where the lines of all files are, to look many up.
    pub fn lines(&self) -> Lines {
        let starts = |text: &str| text.match_indices('\n').map(|(at, _)| at).collect();
        Lines(self.files.iter().map(|(path, text)| (path.clone(), starts(text))).collect())
    }

    /// `file:line:col`, the column in characters.
    pub(super) fn place(&self, span: Span) -> String {
        let Some((path, text)) = self.files.get(span.file as usize) else { return String::new() };
        let before = &text[..clamp(text, span.start as usize, span.end as usize).start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{}:{line}:{column}", path.display())
    }

    fn show(&self, told: &Diagnostic, color: bool) -> String {
        let level = match told.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(told.message.as_str());
        let place = told.span.and_then(|span| Some((span, self.files.get(span.file as usize)?)));
        let group = match place {
            Some((span, (path, text))) => {
                let range = clamp(text, span.start as usize, span.end as usize);
                let mut annotation = AnnotationKind::Primary.span(range);
                if !told.label.is_empty() {
                    annotation = annotation.label(told.label.as_str());
                }
                let snippet =
                    Snippet::source(&**text).path(path.display().to_string()).annotation(annotation);
                title.element(snippet)
            }
            None => Group::with_title(title),
        };
        let group = match &told.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        };
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

/// A range within the text, on the boundaries of its characters.
fn clamp(text: &str, start: usize, end: usize) -> std::ops::Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(start);
    start..floor(end).max(start)
}
