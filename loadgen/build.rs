//! Stamps the git revision into the binary, where there is one.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=../.git/HEAD");
    println!("cargo::rerun-if-changed=../.git/refs/heads");
    println!("cargo::rerun-if-changed=build.rs");
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    if let Some(output) = output.ok().filter(|output| output.status.success())
        && let Ok(revision) = String::from_utf8(output.stdout)
    {
        println!("cargo::rustc-env=HUBBUB_REVISION={}", revision.trim());
    }
}
