//! Another implementation reads the vectors alike: `codec/examples/check_vectors.py`, on the official protobuf package.

use std::process::Command;

use crate::files::root;

#[test]
fn reads_them_alike() {
    let python = root().join("target/python/bin/python");
    if !python.exists() {
        println!("SKIPPED: {} is missing; scripts/setup.sh --tests makes it", python.display());
        return;
    }
    let checked = Command::new(python)
        .arg(root().join("codec/examples/check_vectors.py"))
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{}: {said}", checked.status);
    assert!(String::from_utf8_lossy(&checked.stdout).contains("as said"));
}
