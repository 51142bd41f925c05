//! What a steered name is answered with, for whom, and why: the pools that were looked at in their order, and how their members stand.

use crate::clock::Instant;
use crate::health::{MemberId, State};
use crate::net::Checks;
use crate::steer::{Answer, Choice, Client, Explanation, Family, Routed, Steering};
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
    let client = client(from);
    let Some(explained) = steering.policy.explain(id, family, &client, &steering.health, now.as_secs())
    else {
        return Value::Null;
    };
    let Explanation {
        choice: Choice { answer, ttl, scope, pool, hold },
        routed,
        pools,
        ttl: (floor, ceiling),
    } = explained;
    let mut answered = Vec::new();
    let is_of_family =
        |id: &MemberId| steering.policy.address(id.0 as u16).is_ipv6() == (family == Family::V6);
    let is_served = pools.iter().any(|(_, members)| members.iter().any(is_of_family));
    let is_up_for_other = steering.policy.pools_up(&steering.health).any(|(pool, other, up)| {
        let looked_at = pools.iter().find(|(name, _)| *name == pool);
        up && other != family && looked_at.is_some_and(|(_, members)| !members.iter().any(is_of_family))
    });
    let text = match answer {
        Answer::Addresses { picked, count } => {
            answered.extend(picked[..count.into()].iter().map(|member| MemberId((*member).into())));
            let addresses = answered.iter().map(|id| steering.policy.address(id.0 as u16).to_string());
            addresses.collect::<Vec<_>>().join(", ")
        }
        Answer::Cname(target) => format!("an alias of {target}"),
        Answer::NoData if pools.is_empty() => {
            "nothing: no rule holds for it, and there is no fallback".into()
        }
        Answer::NoData if !is_served => "no address of this family".into(),
        Answer::NoData if is_up_for_other => "no address of this family: its pool is up for the other".into(),
        Answer::NoData => "nothing: every member is down, and so says on_all_down".into(),
        Answer::ServFail => "SERVFAIL: all is down".into(),
    };
    let member = |id: MemberId| {
        let mut row = checks
            .with(|health, now| health.member(now, zone, id).map(|member| member.to_json()))
            .unwrap_or_default();
        row["answered"] = answered.contains(&id).into();
        row["weight"] = steering.policy.weight(id.0 as u16).into();
        row
    };
    let pools = pools.into_iter().map(|(name, members)| {
        let chosen = pool == Some(name);
        json!({ "pool": name, "chosen": chosen, "members": members.into_iter().map(member).collect::<Value>() })
    });
    let decided = |routed: &Routed| {
        json!({
            "route": routed.route, "depth": routed.depth, "rule": routed.rule.0, "at": routed.rule.1,
            "drawn": routed.drawn, "scope": routed.bits, "located": routed.located,
        })
    };
    let by_ttl = match hold {
        Some(hold) => {
            format!("what it follows from stays so for {hold} s, held within {floor} to {ceiling} s")
        }
        None if !is_served => {
            format!("none of its members is of this family: the ceiling of {floor} to {ceiling} s")
        }
        None => format!("nothing checks its members: the ceiling of {floor} to {ceiling} s"),
    };
    let is_up = |id: &MemberId| {
        let standing = steering.health.get(*id);
        standing.state != State::Down && !standing.drained
    };
    let forced = !answered.is_empty() && !answered.iter().any(is_up);
    json!({
        "forced": forced, "from": from.to_string(), "client": client.address().to_string(), "answer": text, "ttl": ttl, "floor": floor,
        "ceiling": ceiling, "hold": hold, "ttl_why": by_ttl, "scope": scope,
        "routes": routed.iter().map(decided).collect::<Value>(), "pools": pools.collect::<Value>(),
    })
}
