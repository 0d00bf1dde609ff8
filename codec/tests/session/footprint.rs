//! A session that has nothing to do is small: a process may hold a million of them.

use hubbub_codec::session::Session;

#[test]
fn the_session_itself() {
    assert!(size_of::<Session>() <= 896, "{}", size_of::<Session>());
}
