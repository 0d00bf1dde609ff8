//! What only a store on disk promises: that it is found again, and that it refuses what it should.

mod cached;
mod epoch;
#[path = "../fixture.rs"]
mod fixture;
mod killed;
mod refused;
mod reopened;
mod sizes;
