//! What Hubbub costs, as a multiple of what the same traffic costs when nothing is kept and nothing is decided.
//!
//! [`floor`] is that nothing: a relay with the server's threads and frames. [`driver`] starts the server and the
//! floor in turn, puts the same load on both and reads what they used from `/proc`. The pieces (codec, core, store,
//! mailboxes) have criterion benches in `benches/`. Nothing here is linked into the server.

pub mod driver;
pub mod floor;
