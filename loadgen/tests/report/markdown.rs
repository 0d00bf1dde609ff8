//! The Markdown summary can be pasted: its tables are tables, and nothing in a result breaks out of them.

use hubbub_loadgen::report::markdown::summary;

use super::{full, sparse};

#[test]
fn it_has_the_verdict_the_figures_the_ledger_and_the_environment() {
    let text = summary(&full());
    assert!(text.starts_with("## direct: The server carried"), "{text}");
    for heading in ["Key figures", "Thresholds", "Disturbances", "Latency", "Ledger", "Errors", "Environment"] {
        assert!(text.contains(&format!("\n### {heading}\n")), "{heading}: {text}");
    }
    assert!(text.contains("```toml\nname = \"direct\""));
}

#[test]
fn every_row_of_a_table_has_the_columns_of_its_head() {
    let mut hostile = full();
    hostile.errors.insert("a|b\n| c |".to_owned(), 1);
    for result in [full(), sparse(), hostile] {
        let mut columns = None;
        for line in summary(&result).lines() {
            let cells = line.starts_with('|').then(|| line.replace("\\|", "").matches('|').count());
            assert!(cells.is_none() || columns.is_none() || cells == columns, "{line}");
            columns = cells;
        }
    }
}

#[test]
fn faults_come_along() {
    let mut result = full();
    result.ledger.closed = false;
    result.ledger.totals.lost = 2;
    result.ledger.faults = vec!["conversation 5: lost".to_owned()];
    let text = summary(&result);
    assert!(text.contains("did not close: 2 lost") && text.contains("- conversation 5: lost"), "{text}");
    assert!(text.contains("| **Lost** | **2** |"));
}
