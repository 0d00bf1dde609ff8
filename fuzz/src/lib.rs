//! One function for each target: it takes any bytes, and panics when the code under it is wrong.

mod client_frame;
mod client_session;

pub use client_frame::client_frame;
pub use client_session::client_session;
