//! The corpora of the fuzz targets, and the functions behind them, without a fuzzer.

use std::fs;
use std::path::Path;

// They are public for the fuzz targets.
#[allow(unreachable_pub)]
#[path = "../../fuzz/src/client_frame.rs"]
mod client_frame;
#[allow(unreachable_pub)]
#[path = "../../fuzz/src/client_session.rs"]
mod client_session;

fn run_corpus(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut inputs = 0;
    for file in fs::read_dir(&folder).expect("the corpus is committed") {
        let input = fs::read(file.unwrap().path()).unwrap();
        run(&input);
        run_damaged(input, run);
        inputs += 1;
    }
    assert!(inputs >= 5, "{} has {inputs} inputs", folder.display());
}

/// Every input cut short, and with each byte changed.
fn run_damaged(mut input: Vec<u8>, run: fn(&[u8])) {
    for at in 0..input.len() {
        run(&input[..at]);
        for change in [0x01, 0x08, 0x80, 0xff] {
            input[at] ^= change;
            run(&input);
            input[at] ^= change;
        }
    }
}

#[test]
fn client_frame() {
    run_corpus("client_frame", client_frame::client_frame);
}

#[test]
fn client_session() {
    run_corpus("client_session", client_session::client_session);
}
