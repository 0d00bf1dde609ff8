//! What both stores promise, checked on each: one property per file.

mod authors;
mod contents;
mod expiry;
mod find_name;
#[path = "../fixture/mod.rs"]
mod fixture;
mod golden;
mod numbers;
mod outbox;
mod overlays;
mod pages;
mod positions;
mod threads;
