//! What a steered name is answered with, for whom, and why: the pools that were looked at in their order, and how their members stand.

use crate::clock::Instant;
use crate::health::MemberId;
use crate::net::Checks;
use crate::steer::{Answer, Choice, Client, Cursor, Draw, Family, Steering};
use crate::wire::{Name, Rtype};
use crate::zone::SteerId;
use ipnet::IpNet;
use serde_json::{Value, json};

/// Who asks, from a prefix; a single address is all of itself.
fn client(from: IpNet) -> Client {
    Client::new(from.addr(), from.prefix_len())
}

/// The choice for a client, which takes no turn.
pub(super) fn explain(
    zone: Name<'_>,
    steering: &Steering,
    id: SteerId,
    rtype: Rtype,
    from: IpNet,
    (checks, now): (&Checks, Instant),
) -> Value {
    let family = if rtype == Rtype::AAAA { Family::V6 } else { Family::V4 };
    let (client, draw) = (client(from), Draw { seed: 0, now: now.as_secs(), cursor: Cursor::Peek });
    let Choice { answer, ttl, scope, .. } =
        steering.policy.choose(id, family, &client, &steering.health, draw);
    let mut answered = Vec::new();
    let text = match answer {
        Answer::Addresses { picked, count } => {
            answered.extend(picked[..count.into()].iter().map(|member| MemberId((*member).into())));
            let addresses = answered.iter().map(|id| steering.policy.address(id.0 as u16).to_string());
            addresses.collect::<Vec<_>>().join(", ")
        }
        Answer::Cname(target) => format!("an alias of {target}"),
        Answer::NoData => "no address of this family".into(),
        Answer::ServFail => "SERVFAIL: all is down".into(),
    };
    let pools: Vec<Value> = steering
        .policy
        .pools_for(id, &client, draw.now)
        .map(|(pool, members)| {
            let member = |id: MemberId| {
                let mut row = checks
                    .with(|health, now| health.member(now, zone, id).map(|member| member.to_json()))
                    .unwrap_or_default();
                row["answered"] = answered.contains(&id).into();
                row
            };
            json!({ "pool": pool, "members": members.map(member).collect::<Value>() })
        })
        .collect();
    let (floor, ceiling) = steering.policy.ttl_range(id);
    json!({
        "from": from.to_string(), "answer": text, "ttl": ttl, "floor": floor, "ceiling": ceiling,
        "scope": scope, "pools": pools,
    })
}
