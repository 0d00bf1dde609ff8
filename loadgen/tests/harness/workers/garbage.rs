//! What is no coordinator costs a worker nothing: it goes on serving.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use super::{Worker, assert_serves};

#[test]
fn garbage_on_the_port_ends_nothing() {
    let worker = Worker::start();
    let connect = || TcpStream::connect(&worker.address).unwrap();
    // These say nothing and stay.
    let _silent: Vec<_> = (0..3).map(|_| connect()).collect();
    let greeting = [b"hubload\x01".as_slice(), &[9; 32], &[0; 32], &[255; 64]].concat();
    for garbage in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), &[0; 4_096], b"hub", &greeting] {
        let mut stream = connect();
        // It may close before everything is written.
        let _ = stream.write_all(garbage);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.len() < 64, "{answer:?}");
    }
    // More than it holds at one time; the rest is closed at once.
    let crowd: Vec<_> = (0..2 * hubbub_loadgen::workers::PEERS_MAX).map(|_| connect()).collect();
    drop(crowd);
    super::wait_until("the crowd is gone", || {
        let mut stream = connect();
        // Somebody who is let in waits for our first words; somebody who is not hears the end.
        stream.set_read_timeout(Some(std::time::Duration::from_millis(50))).unwrap();
        stream.read(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    });
    assert_serves(&worker);
}
