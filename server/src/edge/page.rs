//! The chat page that the binary carries: the files of `web/dist`, as they were when the server was built.
//!
//! What each is served with is what `web/README.md` asks for. The list of files is made by the build script.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};

/// Of everything in `web/dist`: its path there, and its bytes.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// The file that is served at `/`.
const INDEX: &str = "index.html";

/// What the page, and whatever else is answered, may do in a browser: nothing but its own files and its own server.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// One file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) body: &'static [u8],
    pub(super) content_type: &'static str,
    pub(super) cache_control: &'static str,
    /// Names these bytes, in quotes.
    pub(super) etag: String,
    path: String,
}

/// The file at a path such as `/` or `/assets/index.css`.
pub(super) fn find(path: &str) -> Option<&'static File> {
    static SERVED: LazyLock<Vec<File>> = LazyLock::new(|| FILES.iter().map(|(name, body)| file(name, body)).collect());
    SERVED.iter().find(|file| file.path == path)
}

fn file(name: &str, body: &'static [u8]) -> File {
    let is_index = name == INDEX;
    let path = if is_index { "/".to_owned() } else { format!("/{name}") };
    // The names of the others change with their content.
    let cache_control = if is_index { "no-cache" } else { "public, max-age=31536000, immutable" };
    let hash = digest(&SHA256, body).as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    File { body, content_type: content_type(name), cache_control, etag: format!("\"{hash}\""), path }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, kind)| kind) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_all_that_it_names_are_there() {
        let index = find("/").unwrap();
        let text = std::str::from_utf8(index.body).unwrap();
        let named: Vec<&str> = text.split('"').filter(|part| part.starts_with("./assets/")).collect();
        assert!(named.len() >= 3, "a script, a style sheet, an icon: {named:?}");
        for name in named {
            let file = find(&name[1..]).unwrap();
            assert!(file.cache_control.ends_with("immutable") && file.content_type != "application/octet-stream");
        }
        assert!(find("/index.html").is_none() && find("/assets/").is_none() && find("").is_none());
    }

    #[test]
    fn a_tag_names_the_bytes() {
        assert_eq!(file("a.js", b"1").etag, file("b.js", b"1").etag);
        assert_ne!(file("a.js", b"1").etag, file("a.js", b"2").etag);
    }
}
