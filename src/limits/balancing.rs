//! Limits of steering and of health checks.

use std::time::Duration;

/// Members of one pool: a choice looks at each of them.
pub const POOL_MEMBERS: usize = 256;

/// Addresses in one steered answer: more do not help a client, and must fit a small datagram.
pub const POOL_ANSWERS: usize = 8;

/// Pools tried for one answer.
pub const CHAIN_POOLS: usize = 32;

/// Rules of one route: the sets of rules that hold for a client are one word.
pub const ROUTE_RULES: usize = 64;

/// Values in one record of a database, those behind pointers counted each time: several times as many as any has.
pub const GEO_VALUES: usize = 10_000;

/// Octets that the decisions of one route may take when they are compiled: those of a database of cities, and several times those of one of
/// countries. Beyond that they are worked out for each client.
pub const DECISIONS: usize = 64 << 20;

/// Octets that the compiled decisions of all routes may take.
pub const ALL_DECISIONS: usize = 256 << 20;

/// Prefixes looked at while decisions are compiled: more than the largest databases have.
pub const DECISION_STEPS: usize = 1 << 25;

/// Leaves from which on it pays to know where those of each /16 begin.
pub const DECISION_BLOCKS: usize = 1 << 12;

/// Seconds within which members went down together, so that `last_known` answers with all of them.
pub const LAST_KNOWN: u32 = 60;

/// How deep routes may lead to routes.
pub const ROUTE_DEPTH: usize = 4;

/// Octets of one line that says why a probe failed.
pub const PROBE_ERROR: usize = 200;

/// Checks that a calculated one comes to, written out.
pub const FORMULA: usize = 1_000;

/// Calculated checks within calculated checks.
pub const CHECK_DEPTH: usize = 8;

/// Seconds that an override with an end lasts at most: a year.
pub const OVERRIDE_TIME: u32 = 366 * 86_400;

/// Members that are shown at one go.
pub const HEALTH_PIECE: usize = 1_000;

/// How long the answer to an override waits until that is on the disk.
pub const HEALTH_KEPT: Duration = Duration::from_secs(2);

/// How long the driver of checks sleeps at most.
pub const HEALTH_LOOK: Duration = Duration::from_secs(1);

/// How far apart the probes start that confirm a failure.
pub const CONFIRM_GAP: Duration = Duration::from_millis(500);

/// How long one of them may take: with five failures in a row a removal is certain 3 s after the first.
pub const CONFIRM_TIMEOUT: Duration = Duration::from_secs(1);

/// Failures in a row that remove an endpoint at the most, however many probes are lost: 0.3^12 is below one in a million.
pub const CONFIRMS: u8 = 12;

/// How much later than its time-out an outcome may come before it is taken for silence.
pub const PROBE_SLACK: Duration = Duration::from_secs(1);

/// Probes from which the share of those lost is known.
pub const LOSS_WINDOW: u16 = 64;

/// Falls of an endpoint beyond which it flaps.
pub const FLAPS: f32 = 3.5;

/// The time after which a fall counts half (BGP's route flap damping: 15 min).
pub const FLAP_HALF_LIFE: Duration = Duration::from_secs(900);

/// Successes in a row that an endpoint which flaps needs at the most: five minutes at 10 s.
pub const RISE_MAX: u8 = 32;

/// Other silent addresses that make silence no proof.
pub const WITNESSES: usize = 3;

/// How far apart the first probes of endpoints start that came together: four thousand a second is what one core of a small machine asks.
pub const FIRST_PROBE_GAP: Duration = Duration::from_micros(250);

/// How late a time-out may be noticed, in a process that keeps up: beyond that it is its own fault that nothing was heard.
pub const PROBE_LATE: Duration = Duration::from_millis(250);

/// Overrides in force.
pub const OVERRIDES: usize = 1_000;

/// Octets of an override's pattern, and of its reason.
pub const OVERRIDE_TEXT: usize = 256;

/// Events of health that are remembered.
pub const HEALTH_HISTORY: usize = 10_000;

/// Events of health that wait to be taken, and that wait for a subscriber; one that is slower misses the oldest.
pub const HEALTH_EVENTS: usize = 10_000;

/// How many others are asked while one that is silent is about to be called down.
pub const WITNESSES_ASKED: usize = 8;

/// And how many are looked at for that.
pub const WITNESSES_LOOKED_AT: usize = 256;

/// Endpoints that are passed over at the most to find those: such as report themselves, or are in question when many die at once.
pub const WITNESSES_PASSED: usize = 8_192;

/// How far apart that is done: when thousands die at once, the few that live are asked ten times a second.
pub const WITNESS_GAP: Duration = Duration::from_millis(100);

/// Octets of a body, or of what a server says, that are looked through.
pub const PROBE_BODY: usize = 64 << 10;

/// Octets of the head of a response: hyper wants 8 KiB at the least.
pub const PROBE_HEAD: usize = 16 << 10;

/// Octets read of what a program writes.
pub const PROBE_OUTPUT: u64 = 64 << 10;

/// How long is waited for what a program wrote when it has ended: it is in the pipe by then.
pub const PROBE_LAST_WORDS: Duration = Duration::from_millis(100);

/// Programs that run at one time.
pub const PROBE_COMMANDS: usize = 32;

/// How long the first answer waits for the first round of checks: a time-out of 3 s, 2 s to confirm, and the time to begin them all.
pub const FIRST_ROUND: Duration = Duration::from_secs(6);

/// How long after an event what is known is written, with all that happens meanwhile.
pub const HEALTH_WRITE: Duration = Duration::from_secs(5);

/// Flips in one request to the webhook.
pub const WEBHOOK_FLIPS: usize = 1_000;

/// How often one is tried, how long each try may take, and the first pause between them, which doubles: half a minute in all.
pub const WEBHOOK_TRIES: u32 = 5;

/// See [`WEBHOOK_TRIES`].
pub const WEBHOOK_TIME: Duration = Duration::from_secs(5);

/// See [`WEBHOOK_TRIES`].
pub const WEBHOOK_PAUSE: Duration = Duration::from_millis(250);

/// Octets of one file of geographic data: the largest published are a few hundred MiB.
pub const GEO_FILE: u64 = 2 << 30;

/// Lines of one geofeed: all that are published together have about a million.
pub const GEOFEED_LINES: usize = 1 << 21;

/// Wrong lines of a geofeed that are told one by one.
pub const GEOFEED_TOLD: usize = 5;

/// Characters shown of what is wrong in one: a prefix of IPv6 has fewer.
pub const GEOFEED_SHOWN: usize = 50;

/// How often the files of geographic data are looked at. One that has changed is read when it stays the same until the next look: it may be
/// being written.
pub const GEO_LOOK: Duration = Duration::from_secs(2);

/// Ways to speak TLS that probes keep: one for each set of authorities that checks name.
pub const PROBE_TLS: usize = 1_024;

/// How long after a flip it is looked which pools have come down by it, and by others.
pub const FALLBACK_LOOK: Duration = Duration::from_millis(50);
