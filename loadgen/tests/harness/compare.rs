//! `compare` reads result files, gates on what is worse, and refuses what says nothing.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::schema::check;

const RESULT: &str = include_str!("../data/result.json");

/// Writes a result whose p99 delivery and seed are these.
fn write(directory: &Path, name: &str, p99: u64, seed: u64) -> String {
    let mut result: Value = serde_json::from_str(RESULT).unwrap();
    result["latency_us"]["delivery"]["p99"] = p99.into();
    result["environment"]["seed"] = seed.into();
    let path = directory.join(name);
    std::fs::write(&path, result.to_string()).unwrap();
    path.display().to_string()
}

fn compare(words: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_hubbub-load")).arg("compare").args(words).output().unwrap();
    let shown = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code().unwrap(), shown)
}

#[test]
fn a_gate_fails_on_what_is_worse_and_passes_what_is_not() {
    let out = tempfile::tempdir().unwrap();
    let runs = |name: &str, values: [u64; 3]| {
        let files = values.iter().map(|p99| write(out.path(), &format!("{name}{p99}.json"), *p99, 1));
        files.collect::<Vec<_>>().join(",")
    };
    let (base, slower) = (runs("a", [10_000, 10_100, 9_900]), runs("b", [15_000, 15_200, 14_900]));
    let written = out.path().join("compared");
    let gate = ["--fail-on-worse", "10%", "--out", written.to_str().unwrap()];
    let (code, shown) = compare(&[&["--base", &base, "--new", &slower], &gate[..]].concat());
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("delivery_p99") && shown.contains("**worse**"), "{shown}");
    let json: Value = serde_json::from_str(&std::fs::read_to_string(written.join("comparison.json")).unwrap()).unwrap();
    let schema: Value = serde_json::from_str(include_str!("../../comparison.schema.json")).unwrap();
    check(&schema, &schema, &json, "comparison").unwrap();
    assert_eq!(json["failed"], serde_json::json!(["delivery_p99"]));
    let (code, shown) = compare(&[&["--base", &slower, "--new", &base], &gate[..]].concat());
    assert!(code == 0 && shown.contains("better"), "{shown}");
}

#[test]
fn other_seeds_are_refused_unless_forced() {
    let out = tempfile::tempdir().unwrap();
    let (one, other) = (write(out.path(), "1.json", 10_000, 1), write(out.path(), "2.json", 10_000, 2));
    let (code, shown) = compare(&[&one, &other]);
    assert!(code == 2 && shown.contains("seeds are 1 and 2"), "{shown}");
    let (code, shown) = compare(&[&one, &other, "--force"]);
    assert!(code == 0 && shown.contains("delivery_p99"), "{shown}");
}
