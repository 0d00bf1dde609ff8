//! What was not measured says so, and no panel is empty.

use super::{all, first_version, full, has_class, read_page, sparse, text};

#[test]
fn a_result_without_a_series_has_no_pictures_and_is_whole() {
    read_page(&sparse(), |root| {
        assert!(all(root, "svg").is_empty());
        let page = text(root);
        assert!(page.contains("not measured") && page.contains("Ledger closed"), "{page}");
    });
}

#[test]
fn a_server_whose_metrics_were_not_read_has_words_in_place_of_panels() {
    let mut result = full();
    result.series.iter_mut().for_each(|second| second.server = None);
    read_page(&result, |root| {
        let said: Vec<String> = all(root, "p").into_iter().filter(|p| has_class(p, "said")).map(text).collect();
        for panel in ["Shards", "Commit", "Batch", "Mailbox"] {
            assert!(said.iter().any(|words| words.starts_with(panel) && words.contains("not measured")), "{said:?}");
        }
        assert!(all(root, "figure").iter().all(|figure| !all(*figure, "path").is_empty()));
    });
}

#[test]
fn what_never_changed_is_said_and_not_drawn() {
    let mut result = full();
    result.series.iter_mut().for_each(|second| (second.errors, second.connected) = (0, 100));
    read_page(&result, |root| {
        let said: Vec<String> = all(root, "p").into_iter().filter(|p| has_class(p, "said")).map(text).collect();
        assert!(said.contains(&"Errors per second none in any second".to_owned()), "{said:?}");
        assert!(said.contains(&"Clients logged in 100 in every second".to_owned()), "{said:?}");
    });
}

#[test]
fn older_results_lack_what_was_not_looked_at_then() {
    read_page(&first_version(), |root| {
        let page = text(root);
        assert!(page.contains("not measured by the version that made this result"));
        assert!(page.contains("All arrived"));
    });
}
