//! What every commit log promises, whatever is behind it: one property per file.

mod faults;
#[path = "../fixture/mod.rs"]
mod fixture;
mod retention;
mod tail;
