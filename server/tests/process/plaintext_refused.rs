//! A listener without TLS beyond loopback does not start unless it is said that a proxy stands before it.

use crate::support::*;

#[test]
fn plaintext_beyond_loopback_is_refused_with_the_way_out() {
    let keys = tempfile::tempdir().unwrap();
    let secret = keys.path().join("secret");
    hubbub_server::auth::secret::load_or_create(&secret).unwrap();
    let setup = || Setup::new().config(&format!("auth.token_secret_file = {secret:?}"));
    let anywhere = "0.0.0.0:0".parse().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let said = setup().start_in_vain(dir.path(), anywhere, "127.0.0.1:0".parse().unwrap());
    for part in ["listen = \"0.0.0.0:0\"", "tls.listen", "--plaintext-behind-proxy"] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert!(!dir.path().join("data/store").exists(), "nothing was touched");

    let mut open = setup().config("plaintext_behind_proxy = true").start_on(anywhere);
    assert!(open.log().contains("a proxy must stand before it"));
}
