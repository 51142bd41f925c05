//! What a client is told apart by: its prefix, its distance from a pool, and hashes of them. Hashes are the same on every machine and in
//! every version: clients must not move when a server restarts.

use super::Client;
use std::net::IpAddr;

/// Bits of the prefix by which clients are told apart where the config does not say: /24 and /56.
pub(super) fn default_bits(client: &Client) -> u8 {
    if client.address.is_ipv4() { 24 } else { 56 }
}

/// Mixes all bits into all bits (SplitMix64's finaliser).
pub(super) fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// A hash of octets.
pub(super) fn hash(octets: &[u8]) -> u64 {
    octets.chunks(8).fold(octets.len() as u64, |state, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(state ^ u64::from_le_bytes(word))
    })
}

/// A hash of the first `bits` of the client's address.
pub(super) fn hash_client(client: &Client, bits: u8) -> u64 {
    let bits = bits.min(client.bits);
    let word = bits_of(client.address) & top(bits);
    mix(mix((word >> 64) as u64) ^ word as u64 ^ u64::from(client.address.is_ipv4()))
}

/// The address's bits, the first one topmost.
pub(super) fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// How many bits two addresses begin alike with, of 128.
pub(super) fn alike(a: u128, b: u128) -> u8 {
    (a ^ b).leading_zeros() as u8
}

/// The length of the prefix among these, bits and length, that holds an address.
pub(super) fn within(prefixes: &[(u128, u8)], address: u128) -> Option<u8> {
    prefixes.iter().find(|(prefix, len)| alike(*prefix, address) >= *len).map(|(_, len)| *len)
}

/// The first `bits` bits set.
fn top(bits: u8) -> u128 {
    if bits == 0 { 0 } else { u128::MAX << (128 - u32::from(bits.min(128))) }
}

/// A number in (0, 1) from a random hash.
pub(super) fn unit(hash: u64) -> f64 {
    ((hash >> 12) as f64 + 0.5) / (1u64 << 52) as f64
}

/// The score of what has a random hash and a weight in weighted rendezvous hashing: of several the highest is each as often as its weight
/// says, and one that goes away moves only what it had.
pub(super) fn score(hash: u64, weight: u32) -> f64 {
    f64::from(weight) / -unit(hash).ln()
}

/// The mean radius of the globe, in kilometres.
pub(super) const EARTH_RADIUS: f64 = 6_371.0;

/// The distance between two places on the globe, as a share of its radius.
pub(super) fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (lat_a, lat_b) = (a.0.to_radians(), b.0.to_radians());
    let (d_lat, d_lon) = (lat_b - lat_a, (b.1 - a.1).to_radians());
    let h = (d_lat / 2.0).sin().powi(2) + lat_a.cos() * lat_b.cos() * (d_lon / 2.0).sin().powi(2);
    2.0 * h.sqrt().min(1.0).asin()
}
