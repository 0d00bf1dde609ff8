//! The examples in `docs/protocol.md` are those of the vectors.
//!
//! Between `<!-- frame: NAME -->` and `<!-- end -->` stands the frame of that name, as it is generated here.

use std::fs;

use crate::files::{FRAME_FILES, FrameFile, framed, from_json, is_updating, load, message, root, to_json};

const BYTES_OF_A_LINE: usize = 24;

/// Bytes in lines, and what they say.
fn example(name: &str) -> String {
    let files: Vec<FrameFile> = FRAME_FILES.into_iter().map(load).collect();
    let found = files.iter().find_map(|file| {
        let frame = file.frames.iter().find(|frame| frame.name == name)?;
        Some(from_json(message(&file.message), &frame.json))
    });
    let said = found.unwrap_or_else(|| panic!("docs/protocol.md shows {name}, which no vector has"));
    let bytes = framed(&said);
    let line = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let lines: Vec<_> = bytes.chunks(BYTES_OF_A_LINE).map(line).collect();
    format!("\n```text\n{}\n{}\n```\n", lines.join("\n"), to_json(&said))
}

/// The document with the examples of now.
fn with_examples(document: &str) -> String {
    let mut parts = document.split("<!-- frame: ");
    let mut made = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(" -->").expect("a marker has an end");
        let (_, after) = rest.split_once("<!-- end -->").expect("an example has an end");
        made += &format!("<!-- frame: {name} -->{}<!-- end -->{after}", example(name));
    }
    made
}

fn path() -> std::path::PathBuf {
    root().join("docs/protocol.md")
}

#[test]
fn its_examples_are_the_vectors() {
    let document = fs::read_to_string(path()).unwrap();
    let made = with_examples(&document);
    if is_updating() {
        fs::write(path(), &made).unwrap();
    } else {
        assert_eq!(document, made, "run it with UPDATE_VECTORS=1");
    }
}

#[test]
fn it_shows_every_body_and_explains_every_code() {
    let document = fs::read_to_string(path()).unwrap();
    for full_name in ["hubbub.chat.v1.ClientFrame", "hubbub.chat.v1.ServerFrame"] {
        for field in message(full_name).oneofs().next().unwrap().fields() {
            let kind = field.kind().as_message().unwrap().name().to_owned();
            assert!(document.contains(&format!("`{kind}`")), "nothing about {kind}");
            let shown = document.contains(&format!("\"{}\":", field.json_name()));
            assert!(shown, "no example of {kind}");
        }
    }
    let error = message("hubbub.chat.v1.Error").get_field_by_name("code").unwrap();
    for code in error.kind().as_enum().unwrap().values().filter(|code| code.number() != 0) {
        assert!(document.contains(&format!("| `{}` |", code.name())), "nothing about {}", code.name());
    }
}
