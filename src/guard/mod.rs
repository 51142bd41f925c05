//! Who may ask: access lists.

use ipnet::IpNet;
use std::net::IpAddr;

/// Client prefixes that have a right.
#[derive(Clone, Debug, Default)]
pub struct AccessList(Vec<IpNet>);

impl AccessList {
    /// The list of these prefixes; an empty one allows nobody.
    pub fn new(prefixes: Vec<IpNet>) -> AccessList {
        AccessList(prefixes)
    }

    /// Whether the address is in one of the prefixes. IPv4-mapped addresses count as IPv4.
    pub fn allows(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.0.iter().any(|prefix| prefix.contains(&client))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_list_allows_its_prefixes_only() {
        let list = AccessList::new(["127.0.0.0/8", "2001:db8::/32"].map(|p| p.parse().unwrap()).to_vec());
        for (client, allowed) in [
            ("127.9.9.9", true),
            ("::ffff:127.0.0.1", true),
            ("128.0.0.1", false),
            ("2001:db8::1", true),
            ("::1", false),
        ] {
            assert_eq!(list.allows(client.parse().unwrap()), allowed, "{client}");
        }
        assert!(!AccessList::default().allows("127.0.0.1".parse().unwrap()));
    }
}
