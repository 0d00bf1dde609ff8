//! Frames and names: what goes in comes out, and nothing that comes in does harm.

mod decoding;
mod entries;
mod names;
