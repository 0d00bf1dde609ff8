//! A full result has all panels, on one time axis, with phases and disturbances shaded in each.

use roxmltree::Node;

use super::{all, full, has_class, read_page, text};

const PANELS: [&str; 15] = [
    "Delivery",
    "Acknowledgement",
    "Fan-out",
    "Messages per second",
    "Copies per second",
    "Clients logged in",
    "Errors per second",
    "CPU",
    "Shards",
    "Memory",
    "Commit",
    "Batch",
    "Mailbox",
    "Lateness of sends",
    "Threads",
];

fn panels<'a, 'input>(root: Node<'a, 'input>) -> Vec<Node<'a, 'input>> {
    all(root, "figure").into_iter().filter(|figure| figure.has_attribute("data-panel")).collect()
}

fn of_class<'a, 'input>(node: Node<'a, 'input>, name: &str, class: &str) -> Vec<Node<'a, 'input>> {
    all(node, name).into_iter().filter(|node| has_class(node, class)).collect()
}

#[test]
fn every_panel_is_there_and_shows_a_line() {
    read_page(&full(), |root| {
        let titles: Vec<String> = panels(root).iter().map(|panel| text(all(*panel, "h3")[0])).collect();
        assert_eq!(titles, PANELS);
        for panel in panels(root) {
            assert!(!of_class(panel, "path", "line").is_empty(), "{}", text(panel));
        }
    });
}

#[test]
fn all_panels_have_the_same_time_axis_and_the_same_shades() {
    read_page(&full(), |root| {
        let axis =
            |panel: Node<'_, '_>| -> Vec<String> { of_class(panel, "text", "x").into_iter().map(text).collect() };
        let shades = |panel: Node<'_, '_>| -> Vec<String> {
            let of = |rect: &Node<'_, '_>| format!("{:?} {:?}", rect.attribute("x"), rect.attribute("width"));
            all(panel, "rect").iter().map(of).collect()
        };
        let first = panels(root)[0];
        assert_eq!(of_class(first, "rect", "phase").len(), 3);
        assert_eq!(of_class(first, "rect", "disturbed").len(), 2);
        assert_eq!(axis(first).first().map(String::as_str), Some("0"));
        for panel in panels(root) {
            assert_eq!((axis(panel), shades(panel)), (axis(first), shades(first)), "{}", text(panel));
        }
        // 10 of 40 seconds.
        assert_eq!(of_class(first, "rect", "disturbed")[0].attribute("x"), Some("250.0"));
    });
}

#[test]
fn a_second_without_a_look_at_the_server_is_a_gap() {
    read_page(&full(), |root| {
        let commit = panels(root).into_iter().find(|panel| text(all(*panel, "h3")[0]) == "Commit").unwrap();
        assert_eq!(of_class(commit, "path", "c1").len(), 2, "before and after the gap");
    });
}

#[test]
fn a_threshold_is_drawn_where_it_lies() {
    read_page(&full(), |root| {
        let delivery = panels(root)[0];
        assert_eq!(of_class(delivery, "path", "limit").len(), 1);
        assert_eq!(text(of_class(delivery, "text", "limit")[0]), "delivery_p99<100ms");
        assert!(of_class(panels(root)[1], "path", "limit").is_empty());
    });
}

#[test]
fn the_read_out_has_a_value_for_each_line_and_point() {
    read_page(&full(), |root| {
        let data = all(root, "script").into_iter().find(|script| script.attribute("id") == Some("seconds")).unwrap();
        let data: serde_json::Value = serde_json::from_str(&text(data)).unwrap();
        let shown = data["panels"].as_array().unwrap();
        assert_eq!((data["at"].as_array().unwrap().len(), shown.len()), (40, PANELS.len()));
        for (values, panel) in shown.iter().zip(panels(root)) {
            let keys = of_class(panel, "span", "key").len();
            assert_eq!(values.as_array().unwrap().len(), keys);
            assert!(values.as_array().unwrap().iter().all(|line| line.as_array().unwrap().len() == 40));
        }
        assert_eq!(shown[0][3][0], "700 µs");
    });
}
