use super::*;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const RULES: Rules = Rules { top: 140, bottom: -90, jump: 14, confirm: 3, points_max: 1_000 };

/// Searches against a server that answers so; the answer and the levels in the order in which they were tried.
fn search(rules: Rules, mut server: impl FnMut(i32) -> Outcome) -> (Answer, Vec<i32>) {
    let (mut search, mut levels) = (Search::new(rules), Vec::new());
    loop {
        match search.next() {
            Next::Done(answer) => return (answer, levels),
            Next::Try(level, _) => {
                assert!((rules.bottom..=rules.top).contains(&level), "{level}");
                levels.push(level);
                search.record(level, server(level));
            }
        }
    }
}

fn sharp(knee: i32) -> impl FnMut(i32) -> Outcome {
    move |level| if level <= knee { Outcome::Passed } else { Outcome::Failed }
}

fn answer(ending: Ending, passes: Option<i32>, fails: Option<i32>) -> Answer {
    Answer { ending, passes, fails }
}

#[test]
fn a_sharp_knee_is_found_in_the_expected_order() {
    let (found, levels) = search(RULES, sharp(20));
    assert_eq!(found, answer(Ending::Confirmed, Some(20), Some(21)));
    // Climb, bisect between 14 and 28, then 20 twice more and 21 once more.
    assert_eq!(levels, [0, 14, 28, 21, 17, 19, 20, 20, 20, 21]);
}

#[test]
fn a_knee_below_the_start_is_found_by_descending() {
    let (found, levels) = search(RULES, sharp(-30));
    assert_eq!(found, answer(Ending::Confirmed, Some(-30), Some(-29)));
    assert_eq!(levels[..4], [0, -14, -28, -42]);
}

#[test]
fn what_never_passes_is_said_after_the_lowest_load_failed_twice() {
    let (found, levels) = search(RULES, |_| Outcome::Failed);
    assert_eq!(found, answer(Ending::BottomFails, None, Some(-90)));
    assert_eq!(levels.iter().filter(|level| **level == -90).count(), 2);
}

#[test]
fn what_always_passes_passes_at_the_highest_load_in_a_row() {
    let (found, levels) = search(RULES, |_| Outcome::Passed);
    assert_eq!(found, answer(Ending::TopPasses, Some(140), None));
    assert_eq!(levels.iter().filter(|level| **level == 140).count(), 3);
}

#[test]
fn a_limited_generator_leaves_a_lower_bound() {
    let (found, levels) = search(RULES, |level| if level <= 33 { Outcome::Passed } else { Outcome::Unmeasured });
    assert_eq!(found, answer(Ending::GeneratorLimited, Some(33), None));
    assert_eq!(levels.iter().filter(|level| **level == 34).count(), 2, "tried once more, and not again");
}

#[test]
fn a_generator_that_is_always_limited_leaves_nothing() {
    let (found, levels) = search(RULES, |_| Outcome::Unmeasured);
    assert_eq!(found, answer(Ending::GeneratorLimited, None, None));
    assert_eq!(levels, [0, 0, -14, -14, -28, -28]);
}

#[test]
fn one_unmeasured_point_is_only_measured_again() {
    let (mut server, mut first) = (sharp(20), true);
    let (found, _) = search(RULES, |level| match level == 21 && std::mem::take(&mut first) {
        true => Outcome::Unmeasured,
        false => server(level),
    });
    assert_eq!(found, answer(Ending::Confirmed, Some(20), Some(21)));
}

#[test]
fn a_level_that_passed_is_worth_more_tries() {
    // At the knee every other try says nothing.
    let (mut server, mut tries) = (sharp(20), 0);
    let (found, _) = search(RULES, |level| {
        tries += u32::from(level == 20);
        if level == 20 && tries.is_multiple_of(2) { Outcome::Unmeasured } else { server(level) }
    });
    assert_eq!(found, answer(Ending::Confirmed, Some(20), Some(21)));
}

#[test]
fn a_failure_that_does_not_come_again_does_not_count() {
    // Level 21 fails once, by accident; the knee is at 25.
    let (mut server, mut first) = (sharp(25), true);
    let (found, _) = search(RULES, |level| match level == 21 && std::mem::take(&mut first) {
        true => Outcome::Failed,
        false => server(level),
    });
    assert_eq!(found, answer(Ending::Confirmed, Some(25), Some(26)));
}

#[test]
fn a_pass_that_does_not_come_again_does_not_count() {
    // Level 20 passes once, by luck; the knee is at 16.
    let (mut server, mut first) = (sharp(16), true);
    let (found, _) = search(RULES, |level| match level == 20 && std::mem::take(&mut first) {
        true => Outcome::Passed,
        false => server(level),
    });
    assert_eq!(found.passes, Some(16));
    assert_eq!(found.fails, Some(17));
}

#[test]
fn points_that_are_spent_leave_what_is_known() {
    let (found, levels) = search(Rules { points_max: 5, ..RULES }, sharp(20));
    assert_eq!((levels.len(), found), (5, answer(Ending::PointsSpent, Some(17), Some(21))));
}

proptest! {
    #[test]
    fn every_sharp_knee_is_found_to_one_step(knee in -89_i32..140, jump in 1_i32..30, confirm in 1_usize..5) {
        let (found, levels) = search(Rules { jump, confirm, ..RULES }, sharp(knee));
        prop_assert_eq!(found, answer(Ending::Confirmed, Some(knee), Some(knee + 1)));
        prop_assert!(levels.len() <= 140 / jump as usize + 8 + 2 * confirm + 2);
    }

    /// The nearer the knee, the more often a load falls on the wrong side.
    #[test]
    fn a_noisy_knee_is_confirmed_near_its_place(seed: u64, knee in -40_i32..100, width in 0.2_f64..1.5) {
        let mut random = StdRng::seed_from_u64(seed);
        let passes = |level: i32| 1.0 / (1.0 + (f64::from(level - knee) / width).exp());
        let mut tried: BTreeMap<i32, Vec<Outcome>> = BTreeMap::new();
        let (found, levels) = search(RULES, |level| {
            let outcome = if random.random_bool(passes(level)) { Outcome::Passed } else { Outcome::Failed };
            tried.entry(level).or_default().push(outcome);
            outcome
        });
        prop_assert_eq!(found.ending, Ending::Confirmed);
        let (good, bad) = (found.passes.unwrap(), found.fails.unwrap());
        prop_assert_eq!(bad, good + 1);
        prop_assert!(tried[&good].ends_with(&[Outcome::Passed; 3]), "{:?}", tried[&good]);
        prop_assert!(tried[&bad][1..].contains(&Outcome::Failed), "{:?}", tried[&bad]);
        // Sixteen widths away a wrong outcome has odds of one in millions.
        prop_assert!((f64::from(good) - f64::from(knee)).abs() <= 16.0 * width + 1.0, "{} {}", good, knee);
        prop_assert!(levels.len() < 120, "{}", levels.len());
    }

    /// Whatever happens, it ends, and claims no more than it saw.
    #[test]
    fn chaos_ends(outcomes in prop::collection::vec(0_u8..3, 400)) {
        let mut at = 0;
        let mut passed = Vec::new();
        let (found, levels) = search(Rules { points_max: 400, ..RULES }, |level| {
            at += 1;
            match outcomes[at - 1] {
                0 => { passed.push(level); Outcome::Passed }
                1 => Outcome::Failed,
                _ => Outcome::Unmeasured,
            }
        });
        prop_assert!(found.passes.is_none_or(|level| passed.contains(&level)));
        prop_assert!(found.passes.zip(found.fails).is_none_or(|(good, bad)| good < bad));
        prop_assert!(levels.len() <= 400);
    }
}
