//! What a steered name is answered with, for whom, and why: the pools that were looked at in their order, and how their members stand.

use crate::config::OnAllDown;
use crate::health::MemberId;
use crate::net::Checks;
use crate::steer::{
    Answer, Basis, Choice, Client, Explanation, Family, Hold, Looked, Routed, Stands, Steering,
};
use crate::wire::{Name, OwnedName, Rtype};
use crate::zone::SteerId;
use ipnet::IpNet;
use serde_json::{Value, json};

/// A steered name as a client is answered.
pub(super) struct Steered<'s> {
    steering: &'s Steering,
    explained: Explanation<'s>,
    from: IpNet,
    client: Client,
}

impl<'s> Steered<'s> {
    /// What is chosen for a client at a Unix time, which takes no turn. None where there is no such name.
    pub fn new(
        steering: &'s Steering,
        id: SteerId,
        rtype: Rtype,
        from: IpNet,
        now: u64,
    ) -> Option<Steered<'s>> {
        // A single address is all of itself.
        let client = Client::new(from.addr(), from.prefix_len());
        let of = |family| steering.policy.explain(id, family, &client, &steering.health, now);
        let explained = match rtype {
            Rtype::AAAA => of(Family::V6)?,
            // Whoever asks for any gets what there is (RFC 8482 §4.1).
            Rtype::ANY => {
                let first = of(Family::V4)?;
                let is_nothing = matches!(first.choice.answer, Answer::NoData | Answer::ServFail);
                if is_nothing { of(Family::V6)? } else { first }
            }
            _ => of(Family::V4)?,
        };
        Some(Steered { steering, explained, from, client })
    }

    /// The name it is an alias of.
    pub fn alias(&self) -> Option<OwnedName> {
        match self.explained.choice.answer {
            Answer::Cname(target) => Some(target.to_owned()),
            _ => None,
        }
    }

    /// For people and scripts.
    pub fn to_json(&self, zone: Name<'_>, checks: &Checks) -> Value {
        let Explanation { choice, routed, pools, ttl: (floor, ceiling) } = &self.explained;
        let Choice { basis, ttl, scope, hold, .. } = *choice;
        let whole = self.from.prefix_len() == self.from.max_prefix_len();
        let answered = self.answered();
        let forced = matches!(basis, Basis::AllDown(_)) && !answered.is_empty();
        let pool = |looked: &Looked<'_>| self.pool(looked, &answered, zone, checks);
        let decided = |routed: &Routed| {
            let mut row = decided(routed);
            row["cut"] = (!whole && routed.bits >= self.from.prefix_len()).into();
            row
        };
        json!({
            "from": self.from.to_string(), "as": if whole { "sender" } else { "client subnet" },
            "client": self.client.address().to_string(), "answer": self.answer(&answered), "basis": self.basis(),
            "forced": forced, "ttl": ttl, "floor": floor, "ceiling": ceiling,
            "hold": hold.map(|hold| hold.seconds), "ttl_why": self.ttl(), "scope": scope,
            "routes": routed.iter().map(decided).collect::<Value>(),
            "pools": pools.iter().map(pool).collect::<Value>(),
        })
    }

    /// The members that are answered with.
    fn answered(&self) -> Vec<MemberId> {
        match &self.explained.choice.answer {
            Answer::Addresses { picked, count } => {
                picked[..usize::from(*count)].iter().map(|member| MemberId((*member).into())).collect()
            }
            _ => Vec::new(),
        }
    }

    fn answer(&self, answered: &[MemberId]) -> String {
        match &self.explained.choice.answer {
            Answer::Addresses { .. } => {
                let address = |id: &MemberId| self.steering.policy.address(id.0 as u16).to_string();
                answered.iter().map(address).collect::<Vec<_>>().join(", ")
            }
            Answer::Cname(target) => format!("an alias of {target}"),
            Answer::NoData => "no address".into(),
            Answer::ServFail => "SERVFAIL".into(),
        }
    }

    /// What makes it so, unless that is plain.
    fn basis(&self) -> Option<String> {
        let pool = self.explained.choice.pool.unwrap_or_default();
        Some(match self.explained.choice.basis {
            Basis::Up => return None,
            Basis::Weightless => {
                "nothing else is up: members of weight 0 serve, and those that have shed all of it".into()
            }
            Basis::OtherFamily => format!("pool {pool} is up, and has addresses of the other family only"),
            Basis::OneFamily => {
                "what comes before it is up for one family only, and an alias stands for both".into()
            }
            Basis::NoPool => "no route on the way has a pool for this client".into(),
            Basis::AllDown(OnAllDown::All) => {
                "no pool is up for this family: on_all_down says to answer with all".into()
            }
            Basis::AllDown(OnAllDown::LastKnown) => {
                "no pool is up for this family: on_all_down says to answer with those that were up last"
                    .into()
            }
            Basis::AllDown(OnAllDown::None) => {
                "no pool is up for this family: on_all_down says to answer with none".into()
            }
            Basis::AllDown(OnAllDown::Servfail) => {
                "no pool is up for this family: on_all_down says to fail".into()
            }
        })
    }

    /// Why it may be kept for so long.
    fn ttl(&self) -> String {
        let (floor, ceiling) = self.explained.ttl;
        let Choice { ttl, hold, dealt, .. } = self.explained.choice;
        if dealt == Some(ttl) {
            return "then pools are dealt anew by weight, and the name may be an alias or none".into();
        }
        let Some(Hold { seconds, member }) = hold else {
            return format!(
                "nothing that is checked has a part in it: the ceiling of {floor} to {ceiling} s"
            );
        };
        let is_of = |looked: &&Looked<'_>| looked.members.contains(&MemberId(member.into()));
        let pool = self.explained.pools.iter().find(is_of).map_or("", |looked| looked.pool);
        let member = format!("{pool}/{}", self.steering.policy.member_id(member));
        match seconds {
            0 => format!("{member} may change at any time: the floor of {floor} to {ceiling} s"),
            _ => {
                format!(
                    "{member} is taken to stay as it is for {seconds} s, held within {floor} to {ceiling} s"
                )
            }
        }
    }

    fn pool(&self, looked: &Looked<'_>, answered: &[MemberId], zone: Name<'_>, checks: &Checks) -> Value {
        let member = |id: &MemberId| {
            let row = checks.with(|health, now| health.member(now, zone, *id).map(|member| member.to_json()));
            let mut row = row.unwrap_or_default();
            row["answered"] = answered.contains(id).into();
            row["weight"] = self.steering.policy.weight(id.0 as u16).into();
            row
        };
        let stands = match looked.stands {
            Stands::Up => "up",
            Stands::Weightless => "up with weight 0 only",
            Stands::OtherFamily => "up for the other family only",
            Stands::Down => "down",
        };
        json!({
            "pool": looked.pool, "chosen": self.explained.choice.pool == Some(looked.pool), "stands": stands,
            "members": looked.members.iter().map(member).collect::<Value>(),
        })
    }
}

fn decided(routed: &Routed) -> Value {
    let far = |near: &(String, u32, u32, bool)| {
        let (pool, kilometres, counted, tried) = near;
        json!({ "pool": pool, "kilometres": kilometres, "counted": counted, "tried": tried })
    };
    json!({
        "route": routed.route, "depth": routed.depth, "spare": routed.spare, "rule": routed.rule.0, "at": routed.rule.1,
        "drawn": routed.drawn, "scope": routed.bits, "located": routed.located,
        "nearest": routed.distances.iter().map(far).collect::<Value>(),
    })
}
