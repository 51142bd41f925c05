//! How many requests of one client wait to be resolved. What waits is answered when another server deems it right: who makes a server
//! hold its answers back, and asks in the name of a victim meanwhile, has them all sent at one moment (DNSBomb, CVE-2024-33655).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// Requests that wait, by client: an IPv4 address or an IPv6 /64, which is what one host may choose its addresses from.
#[derive(Debug, Default)]
pub struct Waiting(HashMap<IpAddr, usize>);

impl Waiting {
    /// Counts a request of a client that has fewer than `limit` waiting; says whether it did.
    pub fn enter(&mut self, client: IpAddr, limit: usize) -> bool {
        let count = self.0.entry(host(client)).or_default();
        let enters = *count < limit;
        *count += usize::from(enters);
        enters
    }

    /// One that was counted waits no more.
    pub fn leave(&mut self, client: IpAddr) {
        let client = host(client);
        match self.0.get_mut(&client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.0.remove(&client)),
        }
    }

    /// Nothing waits any more.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

fn host(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_makes_room_for_the_same_client_only() {
        let mut waiting = Waiting::default();
        let [one, two, other] =
            ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"].map(|text| text.parse().unwrap());
        assert_eq!([one, two, one].map(|client| waiting.enter(client, 2)), [true, true, false]);
        assert!(waiting.enter(one, 3), "a higher limit holds for the same count");
        assert!(waiting.enter(other, 2));
        waiting.leave(other);
        assert!(!waiting.enter(two, 3));
        for client in [one, two, one] {
            waiting.leave(client);
        }
        assert!(waiting.0.is_empty(), "who has nothing waiting takes no room");
        assert!(waiting.enter("192.0.2.1".parse().unwrap(), 1));
        assert!(waiting.enter("192.0.2.2".parse().unwrap(), 1));
        assert!(!waiting.enter("::ffff:192.0.2.1".parse().unwrap(), 1));
    }
}
