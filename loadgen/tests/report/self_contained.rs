//! A page fetches nothing and links to nothing, and is whole without its script.

use super::{all, full, read_page, text};

#[test]
fn nothing_is_fetched() {
    read_page(&full(), |root| {
        for node in root.descendants() {
            for attribute in node.attributes() {
                assert!(!["src", "href", "srcset", "action"].contains(&attribute.name()), "{attribute:?}");
            }
        }
        for name in ["link", "img", "iframe", "image", "use", "object", "base"] {
            assert!(all(root, name).is_empty(), "{name}");
        }
        let style = text(all(root, "style")[0]);
        assert!(!style.contains("url(") && !style.contains("@import"));
        let scripts: String = all(root, "script").into_iter().map(text).collect();
        for word in ["fetch", "XMLHttpRequest", "import", "WebSocket", "http"] {
            assert!(!scripts.contains(word), "{word}");
        }
    });
}

#[test]
fn it_is_made_for_light_and_dark_for_phones_and_for_paper() {
    read_page(&full(), |root| {
        let style = text(all(root, "style")[0]);
        for media in ["prefers-color-scheme: dark", "max-width: 620px", "@media print"] {
            assert!(style.contains(media), "{media}");
        }
        assert!(all(root, "meta").iter().any(|meta| meta.attribute("name") == Some("viewport")));
    });
}
