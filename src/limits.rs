//! Every bound in the program, each with its reason.

mod balancing;

pub use balancing::*;
use std::time::Duration;

/// Compression pointers followed in one name: it has 127 labels at most.
pub const NAME_POINTERS: usize = 127;

/// Suffixes of written names that the compressor remembers: enough for a referral with 13 servers; searching more would
/// let one reply cost quadratic work (CVE-2024-8508).
pub const COMPRESSION_TARGETS: usize = 64;

/// The largest UDP payload we send or advertise: no fragments on any common path (DNS flag day 2020).
pub const UDP_PAYLOAD: u16 = 1232;

/// Octets of an extended error's text: two sentences, and well within any reply.
pub const EDE_TEXT: usize = 200;

/// Seconds that a server cookie is good (RFC 9018 §4.3).
pub const COOKIE_AGE: i32 = 3_600;

/// Seconds that it may be ahead of us: servers of one address share secrets, not clocks (RFC 9018 §4.3).
pub const COOKIE_AHEAD: i32 = 300;

/// Seconds after which a reply renews it (RFC 9018 §4.3: half of its time).
pub const COOKIE_RENEWAL: i32 = 1_800;

/// How long one secret makes cookies: RFC 7873 §7.1 suggests a day, and at most 36 days.
pub const COOKIE_SECRET: Duration = Duration::from_secs(86_400);

/// Counters of the response rate limit, 2 MiB of them: with ten thousand networks over their limit at one time, one of 170 others
/// shares both of its counters with them.
pub const RATE_SLOTS: usize = 1 << 18;

/// The largest message: its length is 16 bits on TCP (RFC 1035 §4.2.2).
pub const MESSAGE: usize = 65_535;

/// Trust anchors of one zone in a file: a zone has two or three keys that sign keys, also while it changes
/// them.
pub const ANCHORS_PER_ZONE: usize = 16;

/// Zones with trust anchors: the root, and the islands of one organisation.
pub const ANCHOR_ZONES: usize = 10_000;

/// Negative trust anchors set at run time: each is a zone that somebody broke and an operator looked at.
pub const NEGATIVE_ANCHORS: usize = 1_000;

/// Seconds that a negative trust anchor is in force unless it is said (Knot Resolver and BIND: an hour).
pub const NEGATIVE_TIME: u64 = 3_600;

/// And at most: RFC 7646 §2 has them reviewed and gone soon, BIND allows a week.
pub const NEGATIVE_TIME_MAX: u64 = 7 * 86_400;

/// Octets of the reason for one.
pub const NEGATIVE_WHY: usize = 200;

/// Keys of one zone that RFC 5011 follows, those that are gone counted: at three years a key the root's next
/// fifty years; who holds the zone's keys and adds more fills no memory.
pub const ROLLOVER_KEYS: usize = 32;

/// Seconds that a new key must have been there before it is trusted (RFC 5011 §2.4.1).
pub const ADD_HOLD_DOWN: u64 = 30 * 86_400;

/// Seconds after which a revoked key is only remembered (RFC 5011 §2.4.2).
pub const REMOVE_HOLD_DOWN: u64 = 30 * 86_400;

/// Seconds between two looks at the keys of a zone: the least, and the most (RFC 5011 §2.3).
pub const ROLLOVER_INTERVAL: (u64, u64) = (3_600, 15 * 86_400);

/// And after a look that failed.
pub const ROLLOVER_RETRY: (u64, u64) = (3_600, 86_400);

/// How often it is looked whether negative trust anchors have run out, or trust has changed and is to be
/// written.
pub const TRUST_LOOK: Duration = Duration::from_secs(10);

/// Links of a CNAME or DNAME chain followed for one question: Unbound and BIND stop at 11.
pub const CHAIN_LINKS: usize = 11;

/// Octets of one cache entry: larger RRsets are answered but not kept (one entry must not push out thousands).
pub const CACHE_ENTRY: usize = 16 * 1024;

/// Upstream queries one client question may cause: PowerDNS Recursor allows 50, Unbound and BIND 200; a cold CNAME chain over
/// three unrelated zones with glueless servers needs about 40 at the worst.
pub const BUDGET_QUERIES: u16 = 50;

/// Octets of replies one client question may cause: PowerDNS Recursor's 100 kB.
pub const BUDGET_BYTES: u32 = 100 * 1024;

/// How long one client question may take: clients have given up by then (BIND 10 s, PowerDNS 7 s).
pub const BUDGET_TIME: Duration = Duration::from_secs(8);

/// Problems of one zone that are told one by one; a zone with more has one cause many times over.
pub const ZONE_PROBLEMS: usize = 100;

/// The UDP payload of a client without EDNS (RFC 1035 §4.2.1).
pub const UDP_PLAIN: u16 = 512;

/// Connections to the metrics listener or the control socket at one time: a scraper and a few shells.
pub const CONTROL_CONNECTIONS: usize = 16;

/// How long a client of the metrics listener may take in all: one that does not read must not keep endpoints from reporting.
pub const CONTROL_EXCHANGE: Duration = Duration::from_secs(30);

/// The same for one of the control socket, who may have to wait for a reload.
pub const CONTROL_COMMAND: Duration = Duration::from_secs(3_600);

/// How long a control client may take to say what it wants.
pub const CONTROL_TIMEOUT: Duration = Duration::from_secs(5);

/// Octets of one piece of a long answer to a control client.
pub const CONTROL_PIECE: usize = 16 * 1024;

/// Pieces that wait until a control client reads them: enough that neither side waits for the other's turn.
pub const CONTROL_PIECES: usize = 4;

/// Pause after a connection that could not be accepted, so that running out of descriptors does not spin.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often a worker looks whether the last request in flight has ended, once the daemon is to stop.
pub const DRAIN_LOOK: Duration = Duration::from_millis(10);

/// Datagrams of one socket that are still answered once the daemon is to stop: more than a buffer of [`UDP_BUFFER`] holds, and an end to
/// what a flood keeps full.
pub const DRAIN_DATAGRAMS: usize = 16_384;

/// How often it is looked whether anybody still answers from what a reload replaced.
pub const RETIRE_LOOK: Duration = Duration::from_secs(1);

/// And how many times: no request lives that long.
pub const RETIRE_LOOKS: usize = 60;

/// How long the daemon waits for what is in flight before it stops.
pub const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Zones of one server: ten times the largest hosters' share of one machine.
pub const ZONES: usize = 1_000_000;

/// The least a cache is made with: eight segments of its log, enough for both of its queues to turn over.
pub const CACHE_MIN: usize = 1 << 19;

/// Slots of the cache's index that a flush looks at in one hold of a lock: some ten microseconds that a writer waits.
pub const CACHE_PIECE: usize = 128;

/// Looks at one slot of the cache that is overwritten at the same time: a fourth writer within nanoseconds is no accident.
pub const CACHE_LOOKS: usize = 3;

/// Octets of one block of the cache's snapshot: what a broken one costs, and what is read at a time.
pub const SNAPSHOT_BLOCK: usize = 64 * 1024;

/// How long reading the cache's snapshot may put off the start: a full cache of 1 GiB is read in less.
pub const SNAPSHOT_TIME: Duration = Duration::from_secs(10);

/// Seconds that any answer from upstream is kept at most (RFC 8767 §4 suggests days to weeks; a day bounds a mistake).
pub const TTL_MAX: u32 = 86_400;

/// Seconds that a denial is kept at most (RFC 2308 §5: one to three hours).
pub const TTL_NEGATIVE: u32 = 3_600;

/// How long after its time an answer may still be given when nothing better can be had (RFC 8767 §5: one to three days).
pub const STALE_MAX: Duration = Duration::from_secs(86_400);

/// Seconds that a client may keep such an answer (RFC 8767 §4).
pub const TTL_STALE: u32 = 30;

/// How long a client waits before it gets one (RFC 8767 §5).
pub const STALE_AFTER: Duration = Duration::from_millis(1_800);

/// Seconds of TTL from which on an answer in use is looked up again before it runs out: for less the last tenth is too short.
pub const PREFETCH_MIN: u32 = 10;

/// Seconds that a failure is kept (RFC 9520 §3.2: at least one, at most 300); each that follows it is kept twice as long.
pub const TTL_FAILURE: u32 = 5;

/// Up to this.
pub const TTL_FAILURE_MAX: u32 = 60;

/// Records read of one upstream reply: the largest real RRsets have a few hundred; more is an attempt to make us work.
pub const REPLY_RECORDS: usize = 500;

/// Links of a chain taken from one reply.
pub const REPLY_LINKS: usize = 12;

/// Name servers kept of a delegation: the roots and the largest TLDs have 13.
pub const DELEGATION_SERVERS: usize = 13;

/// Addresses kept of a name server.
pub const SERVER_ADDRESSES: usize = 8;

/// Delegations known at a time: about 100 MiB of the busiest resolver's working set; the oldest half goes when it is full.
pub const DELEGATIONS: usize = 200_000;

/// Servers whose behaviour is known at a time, and servers as they serve one zone: about 20 MiB.
pub const SERVERS: usize = 100_000;

/// Times one address is asked for one task: a lost packet and its repetition are normal, a third says that nobody is there.
pub const ATTEMPTS_PER_SERVER: u8 = 3;

/// Queries one task sends to the servers of one delegation: eight addresses with a lost packet each.
pub const ATTEMPTS_PER_VISIT: u16 = 16;

/// Queries one task sends of its own, sub-tasks not counted: 13 servers with a lost packet each, and some.
pub const ATTEMPTS_PER_TASK: u16 = 32;

/// Name servers without addresses that are looked up at one time for one delegation (NXNSAttack: RFC 9520, CVE-2020-12662).
pub const FETCHES_AT_ONCE: usize = 2;

/// And in all for one delegation, the fewer the more lookups wait for each other already: what a tree of delegations without glue
/// costs is their product (CAMP attacks; Unbound allows 3, 2, 1, 0, 0 and fewer at one time).
pub const FETCHES_PER_DELEGATION: [usize; TASK_DEPTH] = [6, 3, 2, 1, 1, 1];

/// How deep lookups of name servers' addresses may depend on each other.
pub const TASK_DEPTH: usize = 6;

/// Tasks of one shard: past it new questions fail at once.
pub const TASKS: usize = 20_000;

/// Tasks of one shard past which nothing is looked up before it is asked for.
pub const TASKS_AND_REFRESHES: usize = 1_000;

/// Entries that a worker remembers to have asked to be looked up again, and for how long it does not ask for the same once more.
pub const REFRESHES: usize = 64;

/// See [`REFRESHES`].
pub const REFRESH_GAP: Duration = Duration::from_secs(5);

/// Tasks that wait for the servers of one zone, so that one that is slow or attacked leaves room for the rest.
pub const TASKS_PER_ZONE: usize = 2_000;

/// Steps kept of one resolution's trace: a tree of referrals with a lost packet at each takes twenty.
pub const TRACE_STEPS: usize = 64;

/// Traces of finished resolutions that one shard keeps: about 2 MiB.
pub const TRACES: usize = 1_000;

/// Clients waiting for one task: past it they are told to come back.
pub const WAITERS: usize = 2_000;

/// Retransmission timeout of a server never asked (Unbound's).
pub const RTO_FIRST: Duration = Duration::from_millis(376);

/// The least retransmission timeout: below it a busy machine looks like a lost packet.
pub const RTO_MIN: Duration = Duration::from_millis(50);

/// The longest that a client waits for one server before another is asked.
pub const RTO_ASK: Duration = Duration::from_millis(1_500);

/// How long a reply is taken after the last sending.
pub const RTO_MAX: Duration = Duration::from_secs(3);

/// How long a measured round-trip time holds (Unbound's 900 s).
pub const RTT_KEPT: Duration = Duration::from_secs(900);

/// How long a TCP exchange may take, connecting included.
pub const TCP_EXCHANGE: Duration = Duration::from_secs(3);

/// Timeouts in a row after which others are preferred: one is a lost packet.
pub const DOUBTFUL_AFTER: u8 = 2;

/// Timeouts in a row after which a server counts as dead and is asked only when no other is left (Knot Resolver's).
pub const DEAD_AFTER: u8 = 4;

/// Dead servers that one visit of a delegation asks: a zone that is gone costs no more (RFC 9520 §2.2).
pub const DEAD_PER_VISIT: usize = 4;

/// Pause before a server that did not answer three times is asked again beside others; it doubles with each further timeout, up to
/// [`PROBE_LAST`].
pub const PROBE_FIRST: Duration = Duration::from_secs(1);

/// The longest such pause.
pub const PROBE_LAST: Duration = Duration::from_secs(64);

/// Pause after the network said that a server cannot be reached.
pub const PROBE_UNREACHABLE: Duration = Duration::from_secs(10);

/// Networks of one address family that do not answer, with none that does in between, after which the family counts as broken
/// (Knot Resolver's).
pub const SILENT_NETWORKS: usize = 6;

/// Messages in a row that were not quite the reply after which it is the server's manner, not a forger's.
pub const FORGERIES: u8 = 3;

/// Queries that nobody waits for any more and are listened to all the same, for what they tell of their servers.
pub const ORPHANS: usize = 1_024;

/// Parts of a name asked about before the whole name is asked (RFC 9156 §2.3).
pub const MINIMISE_MOST: u8 = 10;

/// And how many of them are one label longer than the last.
pub const MINIMISE_ONE_LABEL: u8 = 4;

/// How long it is remembered that a server cannot do EDNS, or that it is lame for a zone.
pub const QUIRK_TIME: Duration = Duration::from_secs(900);

/// Pause after a failed priming query (RFC 9609 §3.1 leaves it open).
pub const PRIMING_RETRY: Duration = Duration::from_secs(30);

/// How deep files may include files: past it one includes itself.
pub const INCLUDE_DEPTH: usize = 8;

/// Files one zone may include.
pub const INCLUDES: usize = 100;

/// Octets of one master file: offsets into it are 32 bits, and it is read whole.
pub const MASTER_FILE: u64 = 2 << 30;

/// Records one $GENERATE makes.
pub const GENERATED: usize = 1 << 20;

/// Times a worker is started anew within [`WORKER_TIME`]: a bug met now and then costs what is under way; one met all the time is better
/// left to whatever supervises the process, and seen.
pub const WORKER_RESTARTS: usize = 10;

/// How long a failure of a worker counts.
pub const WORKER_TIME: Duration = Duration::from_secs(60);

/// Datagrams received or sent in one system call: past 32 the cost of a call is lost among that of its packets.
pub const UDP_BATCH: usize = 32;

/// Lookups that go down a zone side by side: a core has about as many reads of memory under way at one time.
pub const READ_AHEAD: usize = 16;

/// Batches of one socket before the loop looks after the rest.
pub const BATCHES_PER_TURN: usize = 8;

/// Octets of a query over UDP: a question and options take a few hundred.
pub const UDP_QUERY: usize = 4_096;

/// Octets of the kernel's buffers of a UDP socket: a burst of some thousand queries.
pub const UDP_BUFFER: usize = 4 << 20;

/// Connections the kernel holds until they are accepted.
pub const TCP_BACKLOG: i32 = 256;

/// Tries to find a port that is free.
pub const BIND_TRIES: u32 = 8;

/// Requests taken from a mailbox before the loop looks after the rest.
pub const MAIL_PER_TURN: usize = 256;

/// Replies read from one socket to another server before the loop looks after the rest: the true one may be behind forged ones.
pub const REPLIES_PER_TURN: usize = 64;

/// Requests on their way from one worker to another.
pub const MAILBOX: usize = 4_096;

/// Requests waiting in one shard.
pub const PENDING: usize = 10_000;

/// And of one client that anybody may claim to be (Unbound's `wait-limit`): with them answers of a megabyte may be released at one time.
pub const CLIENT_PENDING: usize = 1_000;

/// And of one that uses TCP or has a valid cookie: half of all, so that no client keeps the others out.
pub const CLIENT_PENDING_PROVEN: usize = PENDING / 2;

/// How long after it was last asked for an answer is still sent in a datagram: what comes later finds nobody, but may hit the victim of a
/// forger together with much else (CVE-2024-33655). Common stub resolvers wait 5 s for one try at most. Unbound discards after 1.9 s; here
/// that would cost those who wait their only answer, as long as no stale one is given before.
pub const DISCARD_TIME: Duration = Duration::from_secs(5);

/// Idle datagram sockets of one shard and address family among which a query's is chosen: ten bits for a forger who knows them
/// all, beside those of the id and the case.
pub const PORTS_IDLE: usize = 1_024;

/// Queries that leave from one of them, so that what a forger learns of it soon is of no use.
pub const PORT_USES: u32 = 32;

/// Sockets to other servers that one shard has open.
pub const UPSTREAM_SOCKETS: usize = 4_096;

/// TCP connections of clients in all.
pub const TCP_CONNECTIONS: usize = 1_000;

/// And of one client, an IPv4 address or an IPv6 network of 64 bits (RFC 7766 §6.2.2 asks clients for few).
pub const TCP_PER_CLIENT: usize = 200;

/// Replies of one connection that wait to be written.
pub const TCP_PIPELINE: usize = 64;

/// And their octets, those under way counted at their largest: sixteen are resolved at one time (PowerDNS Recursor: 10), and a
/// client that does not read costs no more than this.
pub const TCP_UNWRITTEN: usize = 16 * MESSAGE;

/// How long a connection may be idle (BIND's and Unbound's 30 s).
pub const TCP_IDLE: Duration = Duration::from_secs(30);

/// And when more than half of all places are taken.
pub const TCP_IDLE_CROWDED: Duration = Duration::from_secs(3);

/// How long a client may take to take a reply.
pub const TCP_WRITE_TIME: Duration = Duration::from_secs(10);

/// Octets of replies written in one piece.
pub const TCP_WRITE: usize = 16 << 10;

/// Times that names of an own zone are hashed for its NSEC3 records: RFC 5155 §10.3 allows no key more. Each answer that denies something
/// costs three such hashes; RFC 9276 §3.1 asks for 0.
pub const ZONE_NSEC3_ITERATIONS: u16 = 2_500;

/// Octets of an RSA modulus (RFC 3110 §2: 4096 bits).
pub const RSA_MODULUS: usize = 512;

/// Octets of an RSA exponent: 65537 has three, and larger ones are there to make us work.
pub const RSA_EXPONENT: usize = 4;

/// Work that checking signatures may do for one question, in checks of ECDSA P-256 (50 µs): Knot Resolver's 32 for each of two zones that
/// a chain of aliases leads through.
pub const BUDGET_CHECKS: u16 = 64;

/// And how much of it may be in vain: 1 ms (KeyTrap; BIND allows 1 failure of 16, Unbound 16 suspensions).
pub const BUDGET_FAULTS: u16 = 16;

/// Blocks of SHA-1 for one question: PowerDNS Recursor's 600 hashes, at 10 iterations (CVE-2023-50868).
pub const BUDGET_HASHES: u32 = 6_000;

/// Iterations of NSEC3 past which a zone counts as unsigned (RFC 9276 §3.2; Knot Resolver's, PowerDNS' and BIND's bound).
pub const NSEC3_ITERATIONS: u16 = 50;

/// Signatures of one set that are looked at (Unbound's).
pub const SET_SIGNATURES: usize = 8;

/// Keys of one tag and algorithm that a signature is checked with: two may share one by chance (PowerDNS').
pub const KEYS_PER_TAG: usize = 2;

/// Keys of one zone: rollovers of three algorithms have a dozen.
pub const ZONE_KEYS: usize = 32;

/// DS records of one zone that are looked at (PowerDNS').
pub const ZONE_DS: usize = 8;

/// NSEC or NSEC3 records of one denial: three prove what one must, a few more may come along.
pub const DENIAL_RECORDS: usize = 12;

/// Seconds by which a clock may be off, at the least and at the most: a tenth of a signature's validity lies between (Unbound's).
pub const SKEW_MIN: u32 = 3_600;

/// See [`SKEW_MIN`].
pub const SKEW_MAX: u32 = 86_400;

/// Seconds that a set is kept whose signature holds only for that tolerance.
pub const TTL_SKEWED: u32 = 30;

/// Seconds that is kept what does not validate (Unbound's).
pub const TTL_BOGUS: u32 = 60;

/// Octets of what is known of the security of names, own cuts apart: some 100,000 zones with keys; half goes when it is full.
pub const TRUST_OCTETS: usize = 64 << 20;

/// Octets of memory around what is known of one name.
pub const TRUST_OVERHEAD: usize = 256;

/// Octets of what comes with a referral of the zone's DS and is kept with it: with more it is asked for again.
pub const EVIDENCE: usize = 2_048;

/// Bogus replies of one zone's servers that a task hears, each server asked once more over TCP: a forger, and one server that is stale,
/// leave room for the truth; of more the zone itself is the cause.
pub const BOGUS_RETRIES: u8 = 4;

/// Blocks of SHA-1 that hashing a name of a zone may cost, so that its NSEC3 records are used for other names than those asked for
/// (PowerDNS Recursor weighs the same at 150): past it asking is cheaper than hashing.
pub const SYNTHESIS_PRICE: u32 = 16;

/// And all names of one denial.
pub const SYNTHESIS_HASHES: u32 = 10 * SYNTHESIS_PRICE;

/// Labels of a name that are hashed in search of its closest encloser.
pub const SYNTHESIS_LABELS: usize = 5;

/// Octets of memory around a set that denies: its name twice, a node of a tree, and counts.
pub const SPAN_OVERHEAD: usize = 256;

/// The share of the cache's size that denials for other names may take: one part of so many.
pub const SPANS_SHARE: usize = 16;

/// Rounds in which they are pruned, each of which leaves about half.
pub const PRUNES: usize = 8;

/// Lookups of DS and DNSKEY for one reply: a name has no more labels, and every second one may need both.
pub const CHAIN_LOOKUPS: usize = 128;

/// How often zones with trust anchors are told which of their keys are trusted (RFC 8145 §5.1 leaves it open; Unbound does so with
/// each look at the keys).
pub const ANCHOR_SIGNAL: Duration = Duration::from_secs(86_400);

/// Tags told in one such signal: as many as fit a label.
pub const SIGNAL_TAGS: usize = 11;

/// Signatures of what came with a referral that may be of no use before it is asked for instead.
pub const EVIDENCE_FAULTS: u16 = 4;

/// Files and sockets open at one time, where the system allows it: with 50,000 endpoints asked every 10 s that all hang, 15,000 are.
pub const DESCRIPTORS: u64 = 65_536;
