//! What is up. An *endpoint* is an address and a check that is made of it, asked once however many pools want to know. What a *member* of a
//! pool is follows from its endpoints (a formula), from what an operator said of it (an override), and from the load it reports; it stands
//! in a [`Table`] as one atomic word, which is all that answering reads.

mod formula;
mod outcome;
mod table;

pub use formula::{Formula, Target, Watch, ZoneWatch};
pub use outcome::{Failure, Fault, Outcome};
pub use table::{MemberId, Standing, State, Table};
