use super::*;
use crate::environment::Environment;
use crate::planner::check::predict;
use crate::planner::costs::CostsError;
use crate::planner::sample::Sample;
use crate::planner::words::markdown;
use crate::scenario::Scenario;

/// A load on a server that takes 10 ms/s for itself, 2 µs/s for a client, 100 µs for a login, 20 µs for a send, 5 µs for a copy
/// and 15 µs for a read mark, 50 MiB and 8 KiB for each client, and 20 MiB as soon as there are messages.
fn sample(clients: u32, logins_per_s: f64, sends_per_s: f64, copies_per_s: f64) -> Sample {
    // Some loads have read marks.
    let reads_per_s = if clients == 4_001 { copies_per_s } else { 0.0 };
    let server_cpu_cores = 0.01
        + f64::from(clients) * 2e-6
        + logins_per_s * 100e-6
        + sends_per_s * 20e-6
        + copies_per_s * 5e-6
        + reads_per_s * 15e-6;
    let (sends, copies) = ((sends_per_s * 10.0) as u64, (copies_per_s * 10.0) as u64);
    let logins = u64::from(clients) + (logins_per_s * 10.0) as u64;
    Sample {
        load: format!("{clients} {logins_per_s} {sends_per_s} {copies_per_s}"),
        clients,
        measured_s: 10.0,
        logins_per_s,
        sends_per_s,
        copies_per_s,
        reads_per_s,
        server_cpu_cores,
        server_rss_bytes: Some((50 << 20) + u64::from(clients) * 8_192 + if sends > 0 { 20 << 20 } else { 0 }),
        kernel_bytes: Some(f64::from(clients) * 8_000.0),
        stored_bytes: Some(sends as f64 * 300.0).filter(|bytes| *bytes > 0.0),
        stored_messages: sends,
        logins,
        sends,
        copies,
        bytes_to_clients: logins * 500 + sends * 30 + copies * 200,
        bytes_from_clients: logins * 300 + sends * 180,
        verdict: None,
    }
}

fn samples() -> Vec<Sample> {
    vec![
        sample(1_000, 0.0, 0.0, 0.0),
        sample(4_000, 0.0, 0.0, 0.0),
        sample(8_000, 0.0, 0.0, 0.0),
        sample(8_000, 200.0, 0.0, 0.0),
        sample(4_000, 0.0, 1_000.0, 1_000.0),
        sample(4_000, 0.0, 4_000.0, 4_000.0),
        sample(4_000, 0.0, 500.0, 10_000.0),
        sample(4_000, 100.0, 1_000.0, 40_000.0),
        sample(4_001, 0.0, 2_000.0, 2_000.0),
    ]
}

fn costs(samples: Vec<Sample>) -> Result<Costs, CostsError> {
    Costs::of(samples, vec!["0.1.0".into(), "durability fsync".into()], Environment::of_this_machine())
}

fn population() -> Population {
    Population {
        users: 3e6,
        online: 0.2,
        devices_per_user: 1.0,
        messages_per_user_day: 40.0,
        group_share: 0.5,
        group_members: 21.0,
        logins_per_user_day: 4.0,
        peak_factor: 3.0,
        read_share: 0.5,
        retention_days: 100.0,
    }
}

const NODE: Node = Node { cores: 16.0, memory_bytes: 64.0 * 1_073_741_824.0 };

#[test]
fn unit_costs_are_found_in_what_they_make_up() {
    let costs = costs(samples()).unwrap();
    let expected = [0.01, 2e-6, 100e-6, 20e-6, 5e-6, 15e-6];
    assert!(costs.cpu.costs.iter().zip(expected).all(|(found, cost)| (found / cost - 1.0).abs() < 1e-6), "{costs:?}");
    assert!((costs.memory.as_ref().unwrap().costs[1] - 8_192.0).abs() < 1.0);
    assert!((costs.kernel_bytes().unwrap().0 - 4_000.0).abs() < 1.0, "half of what both ends take");
    assert!((costs.bytes_to_clients.as_ref().unwrap().costs[2] - 200.0).abs() < 0.1);
    assert_eq!(costs.stored_bytes_per_message, Some(300.0));
}

#[test]
fn a_plan_adds_up_and_shows_how() {
    let costs = costs(samples()).unwrap();
    let bill = bill(&costs, &population(), 0.3, NODE);
    // 600,000 connections; 4,166.7 messages/s; (0.5 + 0.5 × 20) copies each; 416.7 logins/s.
    let (sends, logins) = (3e6 * 40.0 / 86_400.0 * 3.0, 3e6 * 4.0 / 86_400.0 * 3.0);
    let cores = (0.01 + 600_000.0 * 2e-6 + logins * 100e-6 + sends * 20e-6 + sends * 10.5 * (5e-6 + 0.5 * 15e-6)) / 0.7;
    assert!((bill.cores.likely / cores - 1.0).abs() < 1e-6, "{bill:?}");
    assert!(bill.cores.low < cores && bill.cores.high > cores);
    let memory = (70.0 * 1_048_576.0 + 600_000.0 * 12_192.0) / 0.7;
    assert!((bill.memory_bytes.unwrap().likely / memory - 1.0).abs() < 1e-6);
    assert!((bill.disk_bytes.unwrap() / (3e6 * 40.0 * 100.0 * 300.0 / 0.7) - 1.0).abs() < 1e-6);
    assert_eq!((bill.nodes.likely, bill.decided_by.as_str()), (1.0, "cores"));
    let text = markdown(&bill, &costs);
    for words in ["600,000", "4,167", "## Assumptions", "## Formulas", "peak factor", "± "] {
        assert!(text.contains(words), "{words} is missing in {text}");
    }
}

#[test]
fn what_was_not_measured_is_assumed_or_left_out_and_said() {
    let mut samples = samples();
    for sample in &mut samples {
        (sample.kernel_bytes, sample.stored_bytes) = (None, None);
    }
    let costs = costs(samples).unwrap();
    let bill = bill(&costs, &population(), 0.3, NODE);
    assert_eq!(bill.disk_bytes, None);
    assert!(bill.assumptions.iter().any(|words| words.contains("is assumed")), "{:?}", bill.assumptions);
    assert!(markdown(&bill, &costs).contains("(assumed)"));
}

#[test]
fn loads_that_tell_nothing_apart_are_refused_with_what_is_missing() {
    let direct_only: Vec<_> =
        samples().into_iter().filter(|sample| sample.sends_per_s == sample.copies_per_s).collect();
    let error = costs(direct_only).unwrap_err().to_string();
    assert!(error.contains("groups of another size"), "{error}");
    let mut no_reads = samples();
    no_reads.retain(|sample| sample.reads_per_s == 0.0);
    assert!(costs(no_reads).unwrap_err().to_string().contains("clients read"));
    let mut no_logins = samples();
    no_logins.retain(|sample| sample.logins_per_s == 0.0);
    let error = costs(no_logins).unwrap_err().to_string();
    assert!(error.contains("reconnect"), "{error}");
    assert_eq!(costs(samples()[..3].to_vec()).unwrap_err(), CostsError::TooFew(3));
}

#[test]
fn a_load_is_predicted_before_it_runs() {
    let mut scenario = Scenario { clients: 2_000, ..Scenario::load("group").unwrap() };
    let group = scenario.group.as_mut().unwrap();
    (group.members, group.groups_per_client, group.messages_per_second_per_group) = (100, 1.0, 5.0);
    let prediction = predict(&costs(samples()).unwrap(), &scenario);
    assert_eq!((prediction.sends_per_s, prediction.copies_per_s), (100.0, 9_900.0));
    assert!((prediction.cores.0 - (0.01 + 0.004 + 0.002 + 0.0495)).abs() < 1e-6, "{prediction:?}");
}
