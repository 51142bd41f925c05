//! The shards as the daemon's operator asks them: what is under way, and why something was answered.

use super::shard::{Mail, Mailboxes};
use crate::resolve::{InFlight, Question, Resolver, Trace};
use std::sync::Arc;
use tokio::sync::oneshot;

/// The resolver's shards. A clone asks the same ones.
#[derive(Clone)]
pub struct Shards(pub(super) Arc<Mailboxes>);

impl std::fmt::Debug for Shards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shards")
    }
}

/// Looks at a shard's resolver, on its thread.
pub(super) type Look = Box<dyn FnOnce(&Resolver) + Send>;

impl Shards {
    /// The questions under way in all shards; those of a shard that has no time to say are left out.
    pub async fn in_flight(&self) -> Vec<InFlight> {
        let mut all = Vec::new();
        for mailbox in self.0.iter() {
            let (sender, receiver) = oneshot::channel();
            // Who asked may be gone.
            let look: Look = Box::new(move |resolver| drop(sender.send(resolver.in_flight())));
            mailbox.try_send(Mail::Look(look));
            all.extend(receiver.await.unwrap_or_default());
        }
        all
    }

    /// What was done for a question the last time it was resolved, if that is not long ago.
    pub async fn trace(&self, question: &Question) -> Option<Arc<Trace>> {
        let (sender, receiver) = oneshot::channel();
        let (name, rtype) = (question.name.clone(), question.rtype);
        let look: Look = Box::new(move |resolver| drop(sender.send(resolver.trace(name.as_name(), rtype))));
        self.0.home_of(question).try_send(Mail::Look(look));
        receiver.await.ok().flatten()
    }

    /// Resolves a question and tells what was done for it; none when its shard has no time.
    pub async fn resolve(&self, question: Question) -> Option<Arc<Trace>> {
        let (sender, receiver) = oneshot::channel();
        let mail = Mail::Explain(Box::new(question.clone()), sender);
        self.0.home_of(&question).try_send(mail);
        receiver.await.ok()
    }
}
