//! Stamps into the binary the git revision, where there is one, and a hash over the sources: machines that share a run must
//! be the same program.

use std::path::{Path, PathBuf};
use std::process::Command;

use xxhash_rust::xxh3::Xxh3;

fn main() {
    println!("cargo::rerun-if-changed=../.git/HEAD");
    println!("cargo::rerun-if-changed=../.git/refs/heads");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rustc-env=HUBBUB_LOAD_SOURCES={:016x}", hash_of_sources(Path::new("src")));
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    if let Some(output) = output.ok().filter(|output| output.status.success())
        && let Ok(revision) = String::from_utf8(output.stdout)
    {
        println!("cargo::rustc-env=HUBBUB_REVISION={}", revision.trim());
    }
}

/// Over names and contents, in the order of the names.
fn hash_of_sources(directory: &Path) -> u64 {
    let mut files = Vec::new();
    list_files(directory, &mut files);
    files.sort();
    let mut hash = Xxh3::new();
    for file in files {
        let text = std::fs::read(&file).expect("a source that was just listed can be read");
        hash.update(file.to_string_lossy().as_bytes());
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(&text);
    }
    hash.digest()
}

fn list_files(directory: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(directory).expect("the sources are beside this file");
    for entry in entries.map_while(Result::ok) {
        let path = entry.path();
        if path.is_dir() { list_files(&path, files) } else { files.push(path) }
    }
}
