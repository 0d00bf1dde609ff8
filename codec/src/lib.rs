//! Hubbub's protocol for native clients.

pub mod frame;
pub mod ids;
pub mod proto;
pub mod session;
