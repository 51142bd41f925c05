//! The `waymark` binary.
fn main() {}
