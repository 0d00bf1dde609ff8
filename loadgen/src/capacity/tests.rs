use super::*;
use crate::capacity::search::Outcome;
use crate::certify::Verdict;
use crate::report::result::Kind;
use crate::thresholds::parse;

/// A run of long ago; each field can be changed.
const RESULT: &str = include_str!("../../tests/data/result.json");

/// A server that carries so many messages a second, driven by a generator that can offer so many.
struct Simulated {
    carries_per_s: f64,
    generator_per_s: f64,
    refuses_above_per_s: f64,
    seeds: Vec<u64>,
    lines: Vec<String>,
}

impl Default for Simulated {
    fn default() -> Self {
        let more = f64::INFINITY;
        Self { carries_per_s: more, generator_per_s: more, refuses_above_per_s: more, seeds: vec![], lines: vec![] }
    }
}

impl World for Simulated {
    fn run(&mut self, scenario: Scenario, seed: u64) -> anyhow::Result<RunResult> {
        let offered = load::messages_per_s(&scenario);
        self.seeds.push(seed);
        anyhow::ensure!(offered <= self.refuses_above_per_s, "logins refused");
        let mut result: RunResult = serde_json::from_str(RESULT).unwrap();
        result.rates.offered_per_s = offered;
        result.rates.accepted_per_s = offered.min(self.carries_per_s);
        // A limited generator is late as well.
        let is_late = offered > self.carries_per_s.min(self.generator_per_s);
        result.latency_us.delivery.as_mut().unwrap().p99 = if is_late { 5_000_000 } else { 20_000 };
        if offered > self.generator_per_s {
            result.verdict = Verdict::Generator;
        }
        result.judge(&scenario.thresholds().unwrap());
        Ok(result)
    }

    fn point(&mut self, point: &Point, vary: Vary) {
        self.lines.push(words::line(point, vary));
    }

    fn is_interrupted(&self) -> bool {
        false
    }
}

fn search(world: &mut Simulated) -> anyhow::Result<Capacity> {
    let mut scenario = Scenario { clients: 100, ..Scenario::load("direct").unwrap() };
    scenario.direct.as_mut().unwrap().messages_per_second_per_client = 1.0;
    let rules = Rules { step: 0.05, growth: 2.0, confirm: 3, hold_s: 20.0, factor_max: 100.0, points_max: 60 };
    let slo = parse("delivery_p99<100ms,loss=0").unwrap();
    measure(&Question { scenario, vary: Vary::Rate, slo, rules, seed: 7 }, world)
}

#[test]
fn the_interval_holds_what_the_server_carries() {
    let mut world = Simulated { carries_per_s: 1_234.0, ..Simulated::default() };
    let capacity = search(&mut world).unwrap();
    let (passes, fails) = (capacity.answer.passes.unwrap(), capacity.answer.fails.unwrap());
    assert_eq!((capacity.kind, capacity.answer.ending), (Kind::Capacity, Ending::Confirmed));
    assert!(passes.messages_per_s <= 1_234.0 && fails.messages_per_s > 1_234.0);
    assert!((fails.messages_per_s / passes.messages_per_s - 1.05).abs() < 1e-9);
    assert_eq!(world.seeds, (7..7 + capacity.points.len() as u64).collect::<Vec<_>>(), "each point has its own seed");
    assert!(world.lines[0].contains("100 messages/s") && world.lines[0].contains("pass"), "{}", world.lines[0]);
    let page = page::page(&capacity);
    assert!(page.contains("Capacity of direct") && page.contains("class=\"limit\"") && !page.contains("NaN"));
    assert!(words::markdown(&capacity).contains(&format!("| {} |", capacity.points.len())));
}

#[test]
fn beyond_the_generator_there_is_only_a_lower_bound() {
    let mut world = Simulated { carries_per_s: 2_000.0, generator_per_s: 900.0, ..Simulated::default() };
    let answer = search(&mut world).unwrap().answer;
    assert_eq!((answer.ending, answer.fails), (Ending::GeneratorLimited, None));
    assert!(answer.passes.unwrap().messages_per_s <= 900.0);
    assert!(answer.words.starts_with("at least") && answer.words.contains("generator"), "{}", answer.words);
}

#[test]
fn a_load_that_cannot_be_set_up_is_too_much_and_the_first_one_is_an_error() {
    let mut world = Simulated { refuses_above_per_s: 500.0, ..Simulated::default() };
    let capacity = search(&mut world).unwrap();
    assert!(capacity.answer.passes.unwrap().messages_per_s <= 500.0);
    assert!(capacity.points.iter().any(|point| point.reasons.iter().any(|why| why.contains("could not be set up"))));
    let mut world = Simulated { refuses_above_per_s: 50.0, ..Simulated::default() };
    assert!(search(&mut world).is_err());
}

#[test]
fn what_falls_behind_fails_even_where_latencies_say_nothing() {
    let mut result: RunResult = serde_json::from_str(RESULT).unwrap();
    result.rates.accepted_per_s = 0.9 * result.rates.offered_per_s;
    let tried = Tried {
        number: 1,
        phase: search::Phase::Climb,
        load: Load { factor: 1.0, clients: 1, messages_per_s: 1.0 },
        seed: 1,
    };
    let point = Point::of(tried, &result);
    assert_eq!(point.outcome, Outcome::Failed);
    assert!(point.reasons[0].contains("fell behind"), "{:?}", point.reasons);
}

#[test]
fn a_level_that_holds_although_the_generator_was_late_holds_unless_something_was_not_sent() {
    let tried = || {
        let load = Load { factor: 1.0, clients: 1, messages_per_s: 1.0 };
        Tried { number: 1, phase: search::Phase::Climb, load, seed: 1 }
    };
    let mut late: RunResult = serde_json::from_str(RESULT).unwrap();
    (late.verdict, late.verdict_reasons) = (Verdict::Unclear, vec!["sends were late".to_owned()]);
    let point = Point::of(tried(), &late);
    assert_eq!((point.outcome, point.reasons), (Outcome::Passed, vec!["although sends were late".to_owned()]));
    let mut behind = late.clone();
    behind.rates.accepted_per_s = 0.9 * behind.rates.offered_per_s;
    assert_eq!(Point::of(tried(), &behind).outcome, Outcome::Unmeasured, "it may be the generator's fault");
    late.counts.suppressed = 1;
    assert_eq!(Point::of(tried(), &late).outcome, Outcome::Unmeasured, "latencies of what was not sent are not known");
}
