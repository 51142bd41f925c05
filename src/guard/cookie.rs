//! DNS cookies as a server gives and checks them (RFC 7873, RFC 9018): a client that returns one has shown that replies reach it.

use crate::clock::Instant;
use crate::limits;
pub use crate::metrics::Standing;
use crate::wire::Malformed;
use siphasher::sip::SipHasher24;
use std::net::IpAddr;

/// Octets of a client cookie.
const CLIENT: usize = 8;

/// Octets of a client cookie and a server cookie of version 1.
const WHOLE: usize = 24;

/// The secrets that server cookies are made with.
#[derive(Clone)]
pub struct Cookies {
    current: SipHasher24,
    previous: Option<SipHasher24>,
    /// The time of the cookies at [`Instant::ZERO`].
    epoch: u32,
}

/// What the COOKIE option of a query has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What the client has shown.
    pub standing: Standing,
    /// The data of the reply's option: the client's cookie and a good server cookie.
    pub reply: [u8; WHOLE],
}

impl Cookies {
    /// Cookies made with this secret. Their time is Unix time modulo 2^32, and was `epoch` at [`Instant::ZERO`]: from there it goes on
    /// with the monotonic clock, so that no cookie is lost when the other clock is set.
    pub fn new(secret: [u8; 16], epoch: u32) -> Cookies {
        Cookies { current: SipHasher24::new_with_key(&secret), previous: None, epoch }
    }

    /// The same with another secret; cookies made with the last one stay good until they are too old (RFC 9018 §5).
    pub fn rotated(&self, secret: [u8; 16]) -> Cookies {
        Cookies { previous: Some(self.current), ..Cookies::new(secret, self.epoch) }
    }

    /// Checks the data of a client's option, and makes what the reply says. A server cookie of another version or length is bad, not malformed:
    /// another server of the same address may have made it.
    ///
    /// # Errors
    /// When the option is not 8 or 16 to 40 octets long, which is a FORMERR (RFC 7873 §5.2.2).
    pub fn check(&self, option: &[u8], client: IpAddr, now: Instant) -> Result<Checked, Malformed> {
        if !matches!(option.len(), CLIENT | 16..=40) {
            return Err(Malformed);
        }
        let (client, now) = (client.to_canonical(), self.epoch.wrapping_add(now.as_secs() as u32));
        let (cookie, server) = option.split_first_chunk::<CLIENT>().ok_or(Malformed)?;
        let fresh = || make(&self.current, cookie, client, now);
        let Ok(whole) = <[u8; WHOLE]>::try_from(option) else {
            let standing = if server.is_empty() { Standing::New } else { Standing::Bad };
            return Ok(Checked { standing, reply: fresh() });
        };
        // RFC 9018 §4.3: serial arithmetic, so that 2106 is no different from other years.
        let [.., a, b, c, d, _, _, _, _, _, _, _, _] = whole;
        let age = now.wrapping_sub(u32::from_be_bytes([a, b, c, d])) as i32;
        let timely = (-limits::COOKIE_AHEAD..=limits::COOKIE_AGE).contains(&age);
        let made_with = |secret: &SipHasher24| seal(secret, &whole, client) == whole;
        let current = made_with(&self.current);
        if !(timely && whole[CLIENT] == 1 && (current || self.previous.as_ref().is_some_and(made_with))) {
            return Ok(Checked { standing: Standing::Bad, reply: fresh() });
        }
        let renew = !current || age > limits::COOKIE_RENEWAL;
        Ok(Checked { standing: Standing::Valid, reply: if renew { fresh() } else { whole } })
    }
}

/// A cookie of version 1 (RFC 9018 §4).
fn make(secret: &SipHasher24, cookie: &[u8; CLIENT], client: IpAddr, now: u32) -> [u8; WHOLE] {
    let mut whole = [0; WHOLE];
    whole[..CLIENT].copy_from_slice(cookie);
    whole[CLIENT] = 1;
    whole[12..16].copy_from_slice(&now.to_be_bytes());
    seal(secret, &whole, client)
}

/// The cookie with the hash that it should have (RFC 9018 §4.4): over all before it and the client's address.
fn seal(secret: &SipHasher24, whole: &[u8; WHOLE], client: IpAddr) -> [u8; WHOLE] {
    let mut input = [0; 32];
    input[..16].copy_from_slice(&whole[..16]);
    let len = match client {
        IpAddr::V4(v4) => {
            input[16..20].copy_from_slice(&v4.octets());
            20
        }
        IpAddr::V6(v6) => {
            input[16..].copy_from_slice(&v6.octets());
            32
        }
    };
    let mut sealed = *whole;
    sealed[16..].copy_from_slice(&secret.hash(&input[..len]).to_le_bytes());
    sealed
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";
    const OLD: &str = "dd3bdf9344b678b185a6f5cb60fca715";
    const NEW: &str = "445536bcd2513298075a5d379663c962";

    fn octets(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    }

    fn secret(hex: &str) -> [u8; 16] {
        octets(hex).try_into().unwrap()
    }

    fn check(cookies: &Cookies, option: &str, client: &str, now: u32) -> (Standing, String) {
        let Checked { standing, reply } =
            cookies.check(&octets(option), client.parse().unwrap(), Instant::from_secs(now.into())).unwrap();
        (standing, reply.iter().map(|octet| format!("{octet:02x}")).collect())
    }

    #[test]
    fn the_vectors_of_rfc_9018_appendix_a() {
        let (one, rolled) =
            (Cookies::new(secret(SECRET), 0), Cookies::new(secret(OLD), 0).rotated(secret(NEW)));
        let (v4, v6) = ("198.51.100.100", "2001:db8:220:1:59de:d0f4:8769:82b8");
        for (cookies, client, asked, now, standing, reply) in [
            // A.1: learning.
            (&one, v4, "2464c4abcf10c957", 1_559_731_985, Standing::New, "010000005cf79f111f8130c3eee29480"),
            // A.2: renewal after forty minutes.
            (
                &one,
                v4,
                "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
                1_559_734_385,
                Standing::Valid,
                "010000005cf7a871d4a564a1442aca77",
            ),
            // A.3: reserved octets that are not zero are hashed as they are.
            (
                &one,
                "203.0.113.203",
                "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
                1_559_727_985,
                Standing::Valid,
                "01abcdef5cf78f71a314227b6679ebf5",
            ),
            // And renewed, they are zero.
            (
                &one,
                "203.0.113.203",
                "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
                1_559_734_700,
                Standing::Bad,
                "010000005cf7a9acf73a7810aca2381e",
            ),
            // A.4: IPv6, and a secret that has been rolled over.
            (
                &rolled,
                v6,
                "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
                1_559_741_961,
                Standing::Valid,
                "010000005cf7c609a6bb79d16625507a",
            ),
        ] {
            assert_eq!(
                check(cookies, asked, client, now),
                (standing, asked[..16].to_owned() + reply),
                "{asked}"
            );
        }
    }

    #[test]
    fn a_cookie_is_good_for_its_client_and_its_time_only() {
        let cookies = Cookies::new([7; 16], 0);
        for made in [1_000_000, 0, u32::MAX, i32::MAX as u32] {
            let (_, given) = check(&cookies, "0102030405060708", "192.0.2.1", made);
            for (client, after, standing, renewed) in [
                ("192.0.2.1", 0, Standing::Valid, false),
                ("::ffff:192.0.2.1", 0, Standing::Valid, false),
                ("192.0.2.1", 1_800, Standing::Valid, false),
                ("192.0.2.1", 1_801, Standing::Valid, true),
                ("192.0.2.1", 3_600, Standing::Valid, true),
                ("192.0.2.1", 3_601, Standing::Bad, true),
                ("192.0.2.1", -300, Standing::Valid, false),
                ("192.0.2.1", -301, Standing::Bad, true),
                ("192.0.2.1", i32::MIN, Standing::Bad, true),
                ("192.0.2.2", 0, Standing::Bad, true),
                ("2001:db8::1", 0, Standing::Bad, true),
            ] {
                let now = made.wrapping_add_signed(after);
                let (found, reply) = check(&cookies, &given, client, now);
                let other = reply != given;
                assert_eq!((found, other), (standing, renewed), "{client}, {after} s after {made}");
                // Whatever was sent, what is given is good.
                assert_eq!(
                    check(&cookies, &reply, client, now),
                    (Standing::Valid, reply),
                    "{client} {after}"
                );
            }
        }
    }

    #[test]
    fn the_time_of_a_cookie_is_unix_time() {
        let cookies = Cookies::new(secret(SECRET), 1_559_731_900);
        let (_, given) = check(&cookies, "2464c4abcf10c957", "198.51.100.100", 85);
        assert_eq!(given, "2464c4abcf10c957010000005cf79f111f8130c3eee29480");
    }

    #[test]
    fn every_octet_of_a_cookie_counts() {
        let cookies = Cookies::new([7; 16], 0);
        let (client, now) = ("192.0.2.1".parse().unwrap(), Instant::from_secs(5));
        let good = cookies.check(&[1; 8], client, now).unwrap().reply;
        for at in 0..WHOLE {
            let mut forged = good;
            forged[at] ^= 1;
            assert_eq!(cookies.check(&forged, client, now).unwrap().standing, Standing::Bad, "octet {at}");
        }
    }

    #[test]
    fn a_secret_is_good_until_the_one_after_the_next() {
        let first = Cookies::new([1; 16], 0);
        let (_, given) = check(&first, "0102030405060708", "192.0.2.1", 9);
        let second = first.rotated([2; 16]);
        let (standing, renewed) = check(&second, &given, "192.0.2.1", 9);
        assert_eq!(standing, Standing::Valid);
        assert_ne!(renewed, given, "made with the secret in force");
        let third = second.rotated([3; 16]);
        assert_eq!(check(&third, &given, "192.0.2.1", 9).0, Standing::Bad);
        assert_eq!(check(&third, &renewed, "192.0.2.1", 9).0, Standing::Valid);
    }

    #[test]
    fn lengths_are_those_of_rfc_7873() {
        let cookies = Cookies::new([1; 16], 0);
        for len in 0..50 {
            let standing = cookies
                .check(&[1; 50][..len], [192, 0, 2, 1].into(), Instant::ZERO)
                .map(|checked| checked.standing);
            let wanted = match len {
                8 => Ok(Standing::New),
                16..=40 => Ok(Standing::Bad),
                _ => Err(Malformed),
            };
            assert_eq!(standing, wanted, "{len} octets");
        }
    }
}
