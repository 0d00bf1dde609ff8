//! A result that is not the server's is shown as the server's nowhere.

use hubbub_loadgen::certify::Verdict;
use hubbub_loadgen::report::result::RunResult;
use hubbub_loadgen::report::{markdown, standing, summary};

use super::{all, full, has_class, read_page, text};

fn with(verdict: Verdict, closed: bool) -> RunResult {
    let mut result = full();
    (result.verdict, result.ledger.closed) = (verdict, closed);
    result.ledger.totals.lost = u64::from(!closed);
    result.verdict_reasons = match verdict {
        Verdict::Server => Vec::new(),
        _ => vec!["a generator thread waited for a CPU".to_owned()],
    };
    result
}

#[test]
fn figures_that_are_not_the_servers_say_so_in_every_view() {
    for (verdict, closed) in [(Verdict::Unclear, true), (Verdict::Generator, true), (Verdict::Server, false)] {
        let result = with(verdict, closed);
        let warning = standing::Standing::of(&result).warning().unwrap();
        assert!(summary::summary(&result).contains(warning), "{verdict} {closed}");
        assert!(markdown::summary(&result).contains(warning), "{verdict} {closed}");
        read_page(&result, |root| {
            let warnings: Vec<_> = all(root, "p").into_iter().filter(|p| has_class(p, "warning")).map(text).collect();
            assert_eq!(warnings, [warning]);
            assert!(!text(all(root, "h1")[0]).contains("The server"), "{verdict} {closed}");
        });
    }
}

#[test]
fn figures_of_nobody_are_struck_through() {
    let struck = |result: &RunResult| {
        read_page(result, |root| all(root, "div").iter().any(|div| has_class(div, "tiles") && has_class(div, "void")))
    };
    assert!(struck(&with(Verdict::Generator, true)) && struck(&with(Verdict::Server, false)));
    assert!(!struck(&with(Verdict::Unclear, true)) && !struck(&with(Verdict::Server, true)));
    assert!(markdown::summary(&with(Verdict::Generator, true)).contains("~~"));
}

#[test]
fn the_servers_own_figures_are_claimed_only_when_nothing_speaks_against_it() {
    let good = with(Verdict::Server, true);
    assert_eq!(standing::Standing::of(&good).warning(), None);
    assert!(standing::headline(&good).starts_with("The server carried"));
    let mut overloaded = with(Verdict::Server, true);
    overloaded.rates.accepted_per_s = overloaded.rates.offered_per_s / 2.0;
    assert!(standing::headline(&overloaded).starts_with("The server was the limit"));
    let mut failed = with(Verdict::Server, true);
    failed.thresholds[0].passed = false;
    assert!(standing::headline(&failed).starts_with("The service level was not met: delivery_p99"));
    failed.verdict = Verdict::Unclear;
    assert!(standing::headline(&failed).ends_with("whether by the server is unclear."));
}
