//! The machine driven from outside: inputs and effects as data, one file for each feature.

mod append;
mod blocks;
mod direct;
mod eviction;
mod fanout;
mod groups;
mod lagging;
mod limits;
mod login;
mod marks;
mod pages;
mod rates;
mod resend;
mod show;
mod signals;
mod sync;
mod world;
