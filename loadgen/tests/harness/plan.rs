//! `plan` reads costs, writes a plan in two files, and refuses what are no costs; `plan measure` needs the server's CPU.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::fake::{Fake, Fault};
use super::schema::check;
use super::secret_file;

fn plan(words: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_hubbub-load")).arg("plan").args(words).output().unwrap();
    (status.code().unwrap(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_plan_is_made_of_measured_costs() {
    let out = tempfile::tempdir().unwrap();
    let costs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/costs.json");
    let schema = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let of_costs = schema(include_str!("../../costs.schema.json"));
    check(&of_costs, &of_costs, &read(Path::new(costs)), "costs").unwrap();
    let directory = out.path().to_str().unwrap();
    let (code, shown) = plan(&["--from", costs, "--users", "3M", "--online", "20%", "--out", directory]);
    assert!(code == 0 && shown.contains("600,000 connections") && shown.contains("## Assumptions"), "{shown}");
    let (json, of_plan) = (read(&out.path().join("plan.json")), schema(include_str!("../../plan.schema.json")));
    check(&of_plan, &of_plan, &json, "plan").unwrap();
    let amount = |name: &str| ["low", "likely", "high"].map(|end| json[name][end].as_f64().unwrap());
    assert!(amount("cores").is_sorted() && amount("nodes").is_sorted() && amount("cores")[1] > 0.0, "{json}");
    assert_eq!(std::fs::read_to_string(out.path().join("plan.md")).unwrap(), shown);
}

#[test]
fn twice_the_users_need_twice_the_memory_for_connections() {
    let out = tempfile::tempdir().unwrap();
    let costs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/costs.json");
    let memory = |users: &str| {
        assert_eq!(plan(&["--from", costs, "--users", users, "--out", out.path().to_str().unwrap()]).0, 0);
        read(&out.path().join("plan.json"))["memory_bytes"]["likely"].as_f64().unwrap()
    };
    let (one, two, four) = (memory("1M"), memory("2M"), memory("4M"));
    assert!(((four - two) / (two - one) - 2.0).abs() < 1e-6, "{one} {two} {four}");
}

#[test]
fn what_are_no_costs_is_refused() {
    let result = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/result.json");
    let (code, shown) = plan(&["--from", result, "--users", "1M"]);
    assert!(code == 2 && shown.contains("holds no costs"), "{shown}");
    assert_eq!(plan(&["--users", "1M"]).0, 2, "--from is missing");
}

#[test]
fn costs_need_the_cpu_of_the_server() {
    let (fake, secret, out) = (Fake::start(Fault::Nothing), secret_file(), tempfile::tempdir().unwrap());
    let words = ["measure", "--metrics", "none", "-n", "80", "--rate", "100", "--hold", "200ms"];
    let (server, file) = (fake.address.to_string(), secret.path().to_str().unwrap());
    let place = ["--server", &server, "--secret-file", file, "--out", out.path().to_str().unwrap()];
    let (code, shown) = plan(&[&words[..], &place[..]].concat());
    assert!(code == 2 && shown.contains("CPU was not measured: see --metrics"), "{shown}");
}
