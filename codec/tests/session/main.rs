//! The client session against a scripted server, on a virtual clock: one property per file.

mod acknowledging;
mod arbitrary_input;
mod backing_off;
mod credentials;
mod dropping_duplicates;
mod ending;
mod gap_repair;
mod keepalive;
mod log_reset;
mod login;
mod muted;
mod named_requests;
mod ordering_of_resends;
mod queue_bounds;
mod requests;
mod retrying;
mod rig;
mod signalling;
mod skipping;
mod syncing;
mod typed_replies;
mod watching;
