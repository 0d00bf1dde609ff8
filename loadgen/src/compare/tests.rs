use super::difference::Verdict;
use super::sides::SidesError;
use super::*;
use crate::figures::figure;
use serde_json::Value;

const RESULT: &str = include_str!("../../tests/data/result.json");

/// A result with some places changed.
fn result(changes: &[(&str, Value)]) -> String {
    let mut result: Value = serde_json::from_str(RESULT).unwrap();
    for (pointer, value) in changes {
        *result.pointer_mut(pointer).unwrap() = value.clone();
    }
    result.to_string()
}

fn sides(base: &[String], new: &[String]) -> Sides {
    let mut sides = Sides::default();
    for (at, text) in base.iter().enumerate() {
        sides.base.add(&format!("base{at}.json"), text).unwrap();
    }
    for (at, text) in new.iter().enumerate() {
        sides.new.add(&format!("new{at}.json"), text).unwrap();
    }
    sides
}

fn runs(pointer: &str, values: &[f64]) -> Vec<String> {
    values.iter().map(|value| result(&[(pointer, (*value).into())])).collect()
}

fn difference(name: &str, pointer: &str, base: &[f64], new: &[f64]) -> Difference {
    Difference::of(figure(name).unwrap(), &sides(&runs(pointer, base), &runs(pointer, new))).unwrap()
}

#[test]
fn the_better_way_depends_on_the_figure() {
    let (base, new) = ([100.0, 101.0, 102.0, 99.0, 100.0], [120.0, 121.0, 119.0, 122.0, 120.0]);
    let latency = difference("ack_p99", "/latency_us/ack/p99", &base, &new);
    assert_eq!((latency.verdict, latency.ratio), (Verdict::Worse, Some(1.2)));
    let rate = difference("accepted_rate", "/rates/accepted_per_s", &base, &new);
    assert_eq!(rate.verdict, Verdict::Better);
    let interval = (latency.ratio_low.unwrap(), latency.ratio_high.unwrap());
    assert!(interval.0 > 1.15 && interval.1 < 1.25, "{interval:?}");
}

#[test]
fn what_lies_within_the_spread_is_the_same() {
    let noisy =
        difference("ack_p99", "/latency_us/ack/p99", &[100.0, 140.0, 90.0, 120.0], &[130.0, 95.0, 125.0, 110.0]);
    assert_eq!(noisy.verdict, Verdict::Same);
    assert!(noisy.base_spread.is_some_and(|spread| (spread - 50.0 / 110.0).abs() < 1e-9));
}

#[test]
fn one_file_on_each_side_has_no_spread_and_the_ratio_alone_decides_the_gate() {
    let single = difference("ack_p99", "/latency_us/ack/p99", &[100.0], &[115.0]);
    assert_eq!((single.verdict, single.ratio_low), (Verdict::UnknownSpread, None));
    assert!(single.is_worse_by_more_than(0.1) && !single.is_worse_by_more_than(0.2));
}

#[test]
fn one_file_is_taken_to_vary_as_the_other_side_does() {
    let base = [100.0, 150.0, 80.0, 120.0, 70.0];
    assert_eq!(difference("ack_p99", "/latency_us/ack/p99", &base, &[115.0]).verdict, Verdict::Same);
    let steady = [100.0, 101.0, 99.0, 100.0, 100.5];
    assert_eq!(difference("ack_p99", "/latency_us/ack/p99", &steady, &[115.0]).verdict, Verdict::Worse);
}

#[test]
fn a_fault_where_there_was_none_is_worse_without_a_ratio() {
    let fault = difference("disconnects", "/counts/disconnects", &[0.0], &[3.0]);
    assert_eq!((fault.verdict, fault.ratio), (Verdict::Worse, None));
    assert!(fault.is_worse_by_more_than(0.5));
}

#[test]
fn other_scenarios_and_seeds_are_refused_and_named() {
    let refuse = |pointer: &str, value: Value| {
        let error = sides(&[result(&[])], &[result(&[(pointer, value)])]).check().unwrap_err();
        let SidesError::Unlike(words) = error else { panic!("{error}") };
        words
    };
    assert_eq!(refuse("/scenario", "group".into()), "they ran direct and group");
    assert_eq!(refuse("/environment/seed", 9.into()), "their seeds are 1 and 9");
    let text: Value = serde_json::from_str(RESULT).unwrap();
    let other = text["environment"]["scenario"].as_str().unwrap().replace("clients = 40", "clients = 41");
    assert!(refuse("/environment/scenario", other.into()).contains("`clients = 4"));
    assert!(refuse("/ledger/closed", false.into()).contains("no performance result"));
    assert_eq!(sides(&[result(&[])], &[result(&[])]).check(), Ok(()));
}

#[test]
fn what_results_stand_on_is_told_where_it_differs() {
    let other =
        [("/environment/cores", 64.into()), ("/server/durability", "os".into()), ("/verdict", "unclear".into())];
    let sides = sides(&[result(&[])], &[result(&other)]);
    assert_eq!(sides.differences(), ["durability: fsync → os", "cores: 2 → 64"]);
    assert!(sides.doubts()[0].contains("`unclear`"));
}

#[test]
fn what_is_no_result_is_refused() {
    let mut side = sides::Side::default();
    for text in ["{", "[]", "{\"kind\":\"capacity\",\"schema_version\":1}", "{\"schema_version\":99}"] {
        assert!(side.add("x.json", text).is_err(), "{text}");
    }
}

#[test]
fn usual_figures_are_shown_and_gates_name_what_failed() {
    let base = runs("/latency_us/delivery/p99", &[100.0, 101.0, 99.0]);
    let new = runs("/latency_us/delivery/p99", &[150.0, 151.0, 149.0]);
    let sides = sides(&base, &new);
    let comparison = compare(&sides, &chosen(&[], &sides), Some(0.1));
    let shown: Vec<_> = comparison.figures.iter().map(|figure| figure.figure.as_str()).collect();
    assert!(shown.contains(&"delivery_p99") && shown.contains(&"accepted_rate"), "{shown:?}");
    assert!(
        !shown.contains(&"delivery_max") && !shown.contains(&"loss") && !shown.contains(&"offered_rate"),
        "{shown:?}"
    );
    assert_eq!(comparison.failed, ["delivery_p99"]);
    let text = words::markdown(&comparison);
    assert!(text.contains("| delivery_p99") && text.contains("Worse by more than allowed: delivery_p99"), "{text}");
}
