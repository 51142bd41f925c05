//! The only reader of clocks. Everything else takes `now` as an argument, so a test is a world with a clock of its own.

use std::ops::{Add, Sub};
use std::sync::OnceLock;
use std::time::Duration;

/// A point on the monotonic clock: nanoseconds since an arbitrary start. Unlike `std::time::Instant` it can be
/// made from a number, so simulated worlds make their own. Arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The earliest instant.
    pub const ZERO: Instant = Instant(0);

    /// `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Instant {
        Instant(nanos)
    }

    /// `millis` milliseconds after the start.
    pub const fn from_millis(millis: u64) -> Instant {
        Instant(millis.saturating_mul(1_000_000))
    }

    /// `secs` seconds after the start.
    pub const fn from_secs(secs: u64) -> Instant {
        Instant(secs.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole seconds since the start: the unit of TTLs.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000_000
    }

    /// How long ago `earlier` was; zero if it is later.
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, d: Duration) -> Instant {
        Instant(self.0.saturating_add(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;
    fn sub(self, d: Duration) -> Instant {
        Instant(self.0.saturating_sub(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// The monotonic clock now; it starts one year above zero, so that "a month ago" exists from the first call on, and with the part of a
/// second that Unix time has then, so that seconds of both begin together.
#[allow(clippy::disallowed_methods)]
pub fn now() -> Instant {
    static START: OnceLock<(std::time::Instant, Duration)> = OnceLock::new();
    let (start, part) = START.get_or_init(|| {
        let part = Duration::from_nanos(unix().subsec_nanos().into());
        (std::time::Instant::now(), part)
    });
    Instant::from_secs(365 * 86_400) + *part + start.elapsed()
}

/// The Unix time of [`Instant::ZERO`], in seconds: exact to some microseconds, as long as nobody sets the machine's clock.
pub fn unix_at_zero() -> u64 {
    // Rounded: the second may change between the two looks.
    let part = Duration::from_millis(500);
    (unix() + part).saturating_sub(Duration::from_nanos(now().as_nanos())).as_secs()
}

/// Unix time.
#[allow(clippy::disallowed_methods)]
fn unix() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// Seconds of Unix time: for SOA serials, logs and signatures, never for measuring.
pub fn unix_secs() -> u64 {
    unix().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_begin_when_those_of_unix_time_do() {
        let millis = |time: Duration| time.as_millis();
        let epoch = Duration::from_secs(unix_at_zero());
        let before = millis(unix());
        let told = millis(epoch + Duration::from_nanos(now().as_nanos()));
        let after = millis(unix());
        assert!((before - 1..=after + 1).contains(&told), "{before} {told} {after}");
    }
}
