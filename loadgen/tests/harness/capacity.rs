//! A search finds no more than a server carries, and says so in three files and an exit code.

use std::process::Command;

use hubbub_loadgen::capacity::result::Capacity;
use hubbub_loadgen::capacity::search::{Ending, Outcome};
use serde_json::Value;

use super::fake::{Fake, Fault};
use super::schema::check;
use super::secret_file;

/// What a server with [`Fault::Slow`] of 10 ms carries, in messages per second.
const CARRIES_PER_S: f64 = 100.0;

fn search(fault: Fault, slo: &str) -> (Option<i32>, Capacity, [String; 2]) {
    let (fake, secret, out) = (Fake::start(fault), secret_file(), tempfile::tempdir().unwrap());
    let output = Command::new(env!("CARGO_BIN_EXE_hubbub-load"))
        .args(["capacity", "direct", "--clients", "10", "--rate", "20", "--hold", "1s", "--ramp", "100ms"])
        .args(["--step", "50%", "--confirm", "1", "--max", "30", "--points-max", "12", "--slo", slo])
        .args(["--metrics", "none", "--server", &fake.address.to_string(), "--secret-file"])
        .arg(secret.path())
        .arg("--out")
        .arg(out.path())
        .output()
        .unwrap();
    let read = |name| std::fs::read_to_string(out.path().join(name)).unwrap();
    let json: Value = serde_json::from_str(&read("capacity.json")).unwrap();
    let schema: Value = serde_json::from_str(include_str!("../../capacity.schema.json")).unwrap();
    check(&schema, &schema, &json, "capacity").unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("point  1 climb"), "a line for each point");
    (output.status.code(), serde_json::from_value(json).unwrap(), [read("capacity.md"), read("capacity.html")])
}

#[test]
fn no_load_beyond_what_the_server_carries_passes() {
    let (code, capacity, [markdown, page]) = search(Fault::Slow(10), "delivery_p99<300ms,loss=0");
    let beyond = |load: f64| load > 1.5 * CARRIES_PER_S;
    let tried: Vec<_> = capacity.points.iter().map(|point| (point.load.messages_per_s, point.outcome)).collect();
    assert!(tried.iter().all(|(load, outcome)| !beyond(*load) || *outcome != Outcome::Passed), "{tried:?}");
    // On a busy machine the generator may be the limit, and the search says that instead.
    let expected = match capacity.answer.ending {
        Ending::Confirmed => Some(0),
        Ending::BottomFails => Some(1),
        Ending::GeneratorLimited | Ending::PointsSpent => Some(3),
        ending => panic!("{ending:?}: {tried:?}"),
    };
    assert_eq!(code, expected);
    assert!(capacity.answer.passes.is_none_or(|load| !beyond(load.messages_per_s)), "{:?}", capacity.answer);
    assert!(markdown.contains(&capacity.answer.words) && page.contains("</html>"));
}

#[test]
fn a_level_that_nothing_holds_is_no_answer_but_a_failure() {
    let (code, capacity, _) = search(Fault::Nothing, "delivery_p50<1us");
    assert!(matches!(code, Some(1 | 3)), "{code:?}");
    assert_eq!(capacity.answer.passes, None);
    assert!(capacity.points.iter().all(|point| point.outcome != Outcome::Passed));
}
