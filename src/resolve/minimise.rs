//! QNAME minimisation (RFC 9156): a server is told no more of the name than it needs to refer us on.

use crate::limits;
use crate::wire::Name;

/// How many labels of `name` to ask for when `known` of them are known to lead no further, after `asked` such questions in all
/// (RFC 9156 §2.3). All of them means the real question.
pub(super) fn labels(name: Name<'_>, known: usize, asked: u8) -> usize {
    let all = name.label_count();
    let left = all.saturating_sub(known);
    if left <= 1 || asked >= limits::MINIMISE_MOST {
        return all;
    }
    let step = match asked.checked_sub(limits::MINIMISE_ONE_LABEL) {
        None => 1,
        Some(_) => left.div_ceil(usize::from(limits::MINIMISE_MOST - asked)),
    };
    let mut labels = known + step;
    // Names that begin with an underscore are services of the name above, not zones (RFC 8552).
    while labels < all && name.suffix(labels).first_label().first() == Some(&b'_') {
        labels += 1;
    }
    labels.min(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::NameBuf;

    /// The labels asked for one after the other when nothing is ever a cut.
    fn check(name: &str, from: usize, steps: &[usize]) {
        let name: NameBuf = name.parse().unwrap();
        let (mut known, mut asked, mut made) = (from, 0, Vec::new());
        while made.last() != Some(&name.as_name().label_count()) {
            known = labels(name.as_name(), known, asked);
            asked += 1;
            made.push(known);
        }
        assert_eq!(made, steps, "{}", name.as_name());
    }

    #[test]
    fn names_are_told_label_by_label_and_then_faster() {
        check(".", 0, &[0]);
        check("com.", 0, &[1]);
        check("www.example.com.", 0, &[1, 2, 3]);
        check("www.example.com.", 2, &[3]);
        check("www.example.com.", 3, &[3]);
        check("_443._tcp.www.example.com.", 2, &[3, 5]);
        check("_dmarc.example.com.", 2, &[3]);
        check("1.2.3.4.5.6.7.8.9.10.11.12.", 0, &[1, 2, 3, 4, 6, 8, 9, 10, 11, 12]);
        let reverse = format!("{}ip6.arpa.", "1.".repeat(32));
        check(&reverse, 0, &[1, 2, 3, 4, 9, 14, 19, 24, 29, 34]);
    }
}
