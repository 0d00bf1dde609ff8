//! A bit that somebody flips on the way ends the run with the reason, in either direction, and the worker goes on.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use super::super::fake::{Fake, Fault};
use super::super::scenario;
use super::{Worker, assert_serves, fleet, run_over};

/// Bytes of the handshake in either direction.
const HANDSHAKE_TO_WORKER: usize = 8 + 32 + 32;
const HANDSHAKE_TO_COORDINATOR: usize = 8 + 1 + 32 + 1 + 32;

/// Passes bytes on, with a bit of the one at `flip` changed.
fn relay(mut from: TcpStream, mut to: TcpStream, flip: Option<usize>) {
    let (mut passed, mut chunk) = (0, [0; 1_024]);
    while let Ok(read @ 1..) = from.read(&mut chunk) {
        if let Some(at) = flip.and_then(|flip| flip.checked_sub(passed)).filter(|at| *at < read) {
            chunk[at] ^= 1;
        }
        passed += read;
        if to.write_all(&chunk[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// What a run says whose only worker is behind a relay that flips bits.
fn run_behind(worker: &Worker, to_worker: Option<usize>, to_coordinator: Option<usize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, behind) = (listener.local_addr().unwrap().to_string(), worker.address.clone());
    std::thread::spawn(move || {
        let (near, _) = listener.accept().unwrap();
        let far = TcpStream::connect(behind).unwrap();
        let (near_too, far_too) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        std::thread::spawn(move || relay(near, far, to_worker));
        relay(far_too, near_too, to_coordinator);
    });
    let fake = Fake::start(Fault::Nothing);
    match run_over(&fake, scenario("direct", 4), fleet(vec![address])) {
        Ok(result) => {
            assert!(result.ledger.closed, "{:?}", result.ledger);
            "closed".to_owned()
        }
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn a_flipped_bit_ends_the_run_and_not_the_worker() {
    let worker = Worker::start();
    assert_eq!(run_behind(&worker, None, None), "closed", "the relay itself changes nothing");
    let answer = run_behind(&worker, None, Some(HANDSHAKE_TO_COORDINATOR + 20));
    assert!(answer.contains("tampered"), "{answer}");
    let answer = run_behind(&worker, Some(HANDSHAKE_TO_WORKER + 20), None);
    assert!(answer.contains("closed"), "{answer}");
    // A key of the handshake: the proofs no longer fit.
    let answer = run_behind(&worker, Some(20), None);
    assert!(answer.contains("the token is refused"), "{answer}");
    assert_serves(&worker);
}
