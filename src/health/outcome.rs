//! What came of asking an endpoint.

use std::time::Duration;

/// What came of one probe, or what an endpoint reported.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It answered as it should.
    Success {
        /// How long it took.
        took: Duration,
        /// What else there is to know, for people ("certificate valid for 12 days").
        note: Option<String>,
    },
    /// It did not.
    Failure(Failure),
}

/// Why an endpoint did not answer as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whose fault it may be.
    pub kind: Fault,
    /// One line for people: "connection refused", "status 503, expected 200-299". At most [`crate::limits::PROBE_ERROR`] octets.
    pub text: String,
}

/// Whose fault a failure may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Something came back from there (a reset, a wrong status, a bad certificate): the network works and the endpoint does not.
    Endpoint,
    /// Nothing came back (a time-out, host unreachable): the endpoint, or all that lies between.
    Silence,
    /// It could not be asked at all (network unreachable or down, no descriptors): ours.
    Own,
}
