//! What only a store on disk promises: that it is found again, and that it refuses what it should.

mod cached;
mod epoch;
#[path = "../fixture/mod.rs"]
mod fixture;
mod forgotten;
mod killed;
mod meta;
mod refused;
mod reopened;
mod sizes;
mod stalled;
