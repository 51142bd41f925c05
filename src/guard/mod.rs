//! Who may ask and how often: access lists, cookies, response rate limit,
//! requests that wait.

pub mod cookie;
pub mod rate;
pub mod waiting;

pub use cookie::Cookies;
pub use rate::Rates;
pub use waiting::Waiting;

use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;

/// What stands between the clients and the answers.
#[derive(Clone, Default)]
pub struct Guard {
    /// The secrets of cookies; none: the option is ignored.
    pub cookies: Option<Cookies>,
    /// The response rate limit; none: replies are not limited.
    pub rates: Option<Arc<Rates>>,
    /// Who may recurse on a listener, by its index, where that is another list than `resolver.allow`.
    pub listeners: Vec<Option<AccessList>>,
}

/// Client prefixes that have a right.
#[derive(Clone, Debug, Default)]
pub struct AccessList(Vec<IpNet>);

impl AccessList {
    /// The list of these prefixes; an empty one allows nobody.
    pub fn new(prefixes: Vec<IpNet>) -> AccessList {
        AccessList(prefixes)
    }

    /// Whether it allows nobody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
