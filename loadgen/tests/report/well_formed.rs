//! Every element of the page is closed and nested, whatever a result holds.

use super::{all, first_version, full, read_page, sparse, text};

#[test]
fn pages_are_well_formed_whatever_the_result_holds() {
    let mut hostile = full();
    let evil = "</pre></svg></script><b a='&'>\"`";
    hostile.scenario = evil.to_owned();
    hostile.ledger.closed = false;
    hostile.ledger.faults = vec![evil.to_owned()];
    hostile.ended_early = Some(evil.to_owned());
    hostile.environment.command_line = vec![evil.to_owned()];
    hostile.environment.scenario = evil.to_owned();
    hostile.server.version = Some(evil.to_owned());
    hostile.thresholds[0].text = evil.to_owned();
    for result in [full(), first_version(), sparse(), hostile] {
        read_page(&result, |root| {
            assert_eq!(all(root, "h1").len(), 1);
            assert_eq!(all(root, "b").iter().filter(|node| node.has_attribute("a")).count(), 0);
        });
    }
}

#[test]
fn figures_have_a_name_for_those_who_cannot_see_them() {
    read_page(&full(), |root| {
        let figures = all(root, "figure");
        assert!(figures.len() > 10);
        for figure in figures {
            let picture = all(figure, "svg")[0];
            assert_eq!(picture.attribute("role"), Some("img"));
            assert_eq!(picture.attribute("aria-label"), Some(text(all(figure, "h3")[0]).as_str()));
        }
    });
}
