//! The gateway's end of a trunk: numbers, windows, and a server that breaks the rules.

mod arbitrary;
mod channels;
mod flow;
mod opening;
mod rig;
