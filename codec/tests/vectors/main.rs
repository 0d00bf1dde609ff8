//! `proto/vectors`: what other implementations test themselves against, checked against this one.
//!
//! `UPDATE_VECTORS=1 cargo test -p hubbub-codec --test vectors` writes the bytes of the frames, the slots, and the
//! examples of `docs/protocol.md` anew; what a frame says, and what a rule demands, is written by hand.

mod cursor_rule;
mod debug;
mod document;
mod files;
mod frames;
mod python;
mod refused;
mod slots;
mod trunk;
