//! Rows as a table for people, or as JSON for scripts.

use serde_json::Value;

/// A column of a table: a field of each row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Its title; a table without titles has no head.
    pub title: &'static str,
    /// The field.
    pub key: &'static str,
}

/// Rows, each an object of JSON; the table shows those of its fields that have a column.
pub(crate) struct Table<'a> {
    pub columns: &'a [Column],
    pub rows: &'a [Value],
}

impl Table<'_> {
    /// The table, or all rows with all their fields as JSON.
    pub fn show(&self, json: bool) -> String {
        if json { format!("{:#}", Value::from(self.rows)) } else { self.text() }
    }

    fn text(&self) -> String {
        let rows: Vec<Vec<Vec<String>>> = self
            .rows
            .iter()
            .map(|row| self.columns.iter().map(|column| lines(&row[column.key])).collect())
            .collect();
        let width = |at: usize, column: &Column| {
            let cells = rows.iter().flat_map(|row| &row[at]).map(|line| line.chars().count());
            cells.max().unwrap_or(0).max(column.title.len())
        };
        let widths: Vec<usize> =
            self.columns.iter().enumerate().map(|(at, column)| width(at, column)).collect();
        let numbers: Vec<bool> = self
            .columns
            .iter()
            .map(|column| {
                self.rows.iter().all(|row| row[column.key].is_number() || row[column.key].is_null())
            })
            .collect();
        let mut text = String::new();
        if self.columns.iter().any(|column| !column.title.is_empty()) {
            let head: Vec<&str> = self.columns.iter().map(|column| column.title).collect();
            push_line(&mut text, &head, &widths, &numbers);
        }
        for row in &rows {
            for line in 0..row.iter().map(Vec::len).max().unwrap_or(0) {
                let cells: Vec<&str> =
                    row.iter().map(|cell| cell.get(line).map_or("", String::as_str)).collect();
                push_line(&mut text, &cells, &widths, &numbers);
            }
        }
        text
    }
}

/// Cells parted by two spaces; numbers stand at the right.
fn push_line(text: &mut String, cells: &[&str], widths: &[usize], numbers: &[bool]) {
    let start = text.len();
    for ((cell, &width), number) in cells.iter().zip(widths).zip(numbers) {
        let padded = if *number { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
        text.push_str(&padded);
        text.push_str("  ");
    }
    text.truncate(start + text[start..].trim_end().len());
    text.push('\n');
}

/// What stands in a cell: of a list, one line each.
fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().flat_map(lines).collect(),
        Value::Bool(value) => vec![if *value { "yes" } else { "no" }.into()],
        Value::String(text) => vec![plain(text)],
        other => vec![other.to_string()],
    }
}

/// Text that does nothing to a terminal, and is one line.
pub(super) fn plain(text: &str) -> String {
    text.replace(char::is_control, "?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const COLUMNS: &[Column] = &[
        Column { title: "NAME", key: "name" },
        Column { title: "TTL", key: "ttl" },
        Column { title: "DATA", key: "data" },
        Column { title: "STALE", key: "stale" },
    ];

    #[test]
    fn columns_are_as_wide_as_they_must_be_and_lists_go_down() {
        let rows = [
            json!({ "name": "a.example.", "ttl": 5, "data": ["192.0.2.1", "192.0.2.22"], "stale": false, "x": 1 }),
            json!({ "name": "ü", "ttl": 86400, "data": "\u{1b}[2J\nx", "stale": true }),
            json!({ "name": null, "ttl": null, "data": ["y"] }),
        ];
        let table = Table { columns: COLUMNS, rows: &rows };
        let expected = "\
NAME          TTL  DATA        STALE
a.example.      5  192.0.2.1   no
                   192.0.2.22
ü           86400  ?[2J?x      yes
                   y
";
        assert_eq!(table.show(false), expected);
        assert_eq!(serde_json::from_str::<Value>(&table.show(true)).unwrap(), Value::from(&rows[..]));
    }

    #[test]
    fn a_table_without_titles_has_no_head_and_one_without_rows_only_a_head() {
        let columns = [Column { title: "", key: "name" }];
        let table = Table { columns: &columns, rows: &[json!({ "name": "x" })] };
        assert_eq!(table.show(false), "x\n");
        assert_eq!(Table { columns: COLUMNS, rows: &[] }.show(false), "NAME  TTL  DATA  STALE\n");
        assert_eq!(Table { columns: COLUMNS, rows: &[] }.show(true), "[]");
    }
}
