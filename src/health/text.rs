//! Times as people read them, and patterns as they write them.

use crate::rrset::write_time;

/// A Unix time as RFC 3339 writes it.
pub fn time(unix: u64) -> String {
    let mut digits = String::new();
    write_time(u32::try_from(unix).unwrap_or(u32::MAX), &mut digits);
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    let [year, month, day] = [part(0, 4), part(4, 6), part(6, 8)];
    format!("{year}-{month}-{day}T{}:{}:{}Z", part(8, 10), part(10, 12), part(12, 14))
}

/// Whether a text fits a pattern in which `*` stands for any characters and `?` for one. Linear in both but for one product.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => (p, t) = (p + 1, t + 1),
            // The last star takes one more.
            _ => match &mut star {
                Some((at, taken)) => {
                    *taken += 1;
                    (p, t) = (*at + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_people_read_it() {
        for (unix, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_719_792_000, "2024-07-01T00:00:00Z"),
            (u64::MAX, "2106-02-07T06:28:15Z"),
        ] {
            assert_eq!(time(unix), text);
        }
    }

    #[test]
    fn stars_and_question_marks_stand_for_what_they_should() {
        for (pattern, text, wanted) in [
            ("eu", "eu", true),
            ("eu", "eu1", false),
            ("eu*", "eu1", true),
            ("*u*1", "eu-21", true),
            ("*u*1", "eu-12", false),
            ("eu?", "eu", false),
            ("e?1", "eu1", true),
            ("*", "", true),
            ("", "x", false),
            ("**a", "bca", true),
        ] {
            assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
