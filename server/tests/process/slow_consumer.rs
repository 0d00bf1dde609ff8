//! A client that does not read costs a bounded amount of memory, slows nobody down, and misses nothing.

use crate::support::*;
use hubbub_codec::frame::encode_frame;
use hubbub_codec::proto::send::To;
use hubbub_codec::proto::{ClientFrame, Ping, ServerFrame};
use prost::Message as _;
use socket2::{Domain, Socket, Type};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

over_each_transport! {
    members_who_do_not_read_cost_little_and_harm_nobody,
}

const MIB: u64 = 1 << 20;

/// A server that keeps little in memory by itself, so that what clients cost can be seen.
fn lean() -> Setup {
    Setup::new()
        .unlimited()
        .config("durability = \"os\"\nstorage.cache_bytes = 1048576\nstorage.write_buffer_bytes = 1048576")
}

/// A connection whose own buffer is small.
fn narrow(server: &Server) -> Raw {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(65_536).unwrap();
    socket.connect(&server.address().into()).unwrap();
    Raw::reach(server, TcpStream::from(socket))
}

fn members_who_do_not_read_cost_little_and_harm_nobody(over: Transport) {
    const SLOW: u64 = 20;
    const MESSAGES: u64 = 1_200;
    const BYTES: usize = 16_000;
    let server = lean().over(over).start();
    let (mut fast, _) = Raw::login_and_sync(&server, 2, 1);
    let mut slow: Vec<Raw> = (10..10 + SLOW)
        .map(|user| {
            let mut raw = narrow(&server);
            raw.log_in(&server, user, 1);
            raw.sync(Vec::new(), true);
            raw
        })
        .collect();
    let mut alice = Raw::login(&server, 1, 1);
    let members: Vec<u64> = (10..10 + SLOW).chain([2]).collect();
    let Down::Group(made) = alice.ask(create_group("All", &members)) else { panic!("no group") };
    let say = |raw: &mut Raw, from: u64, count: u64| {
        let ids: Vec<u64> = (from..from + count)
            .map(|n| {
                let mut send = message(To::Group(made.group), name(&n.to_string()), "");
                send.body = vec![b'x'; BYTES].into();
                raw.say(Up::Send(send))
            })
            .collect();
        ids.into_iter().for_each(|id| assert!(matches!(raw.answer_to(id), Down::Sent(_))));
    };
    let mut log = Reader::new(group(made.group));
    // What the server needs anyway is there after the first part.
    say(&mut alice, 2, 200);
    log.read_up_to(&mut fast, 201);
    let before = server.resident_bytes();
    for from in (202..=MESSAGES).step_by(50) {
        let count = 50.min(MESSAGES + 1 - from);
        say(&mut alice, from, count);
        log.read_up_to(&mut fast, from + count - 1);
        log.entries.clear();
    }
    let grown = server.resident_bytes().saturating_sub(before);
    // Unbounded, the queues would hold 20 x 16 MB = 320 MB.
    assert!(grown < 64 * MIB, "the server has grown by {} MiB", grown / MIB);
    server.wait_for_metric("hubbub_connections_lagging", |lagging| lagging == SLOW as f64);
    assert!(server.metric("hubbub_resyncs_total").unwrap() >= SLOW as f64);
    // Now they read: everything, in order, and then live.
    for raw in &mut slow {
        let mut log = Reader::new(group(made.group));
        log.read_up_to(raw, MESSAGES);
        assert!(log.entries[1..].iter().all(|entry| entry.body.len() == BYTES));
    }
    server.wait_for_metric("hubbub_connections_lagging", |lagging| lagging == 0.0);
    say(&mut alice, MESSAGES + 1, 1);
    for raw in &mut slow {
        Reader::after(group(made.group), MESSAGES).read_up_to(raw, MESSAGES + 1);
        assert!(raw.so_far().is_empty());
    }
}

#[test]
fn a_member_who_is_removed_while_it_does_not_read_gets_everything_up_to_that_and_nothing_after() {
    const BEFORE: u64 = 800;
    let server = lean().start();
    let mut slow: Vec<Raw> = [2, 3, 4, 5]
        .map(|user| {
            let mut raw = narrow(&server);
            raw.log_in(&server, user, 1);
            raw.sync(Vec::new(), true);
            raw
        })
        .into();
    let mut alice = Raw::login(&server, 1, 1);
    let Down::Group(made) = alice.ask(create_group("All", &[2, 3, 4, 5])) else { panic!("no group") };
    let say = |raw: &mut Raw, from: u64, to: u64| {
        let ids: Vec<u64> = (from..=to)
            .map(|n| {
                let mut send = message(To::Group(made.group), name(&n.to_string()), "");
                send.body = vec![b'x'; 16_000].into();
                raw.say(Up::Send(send))
            })
            .collect();
        ids.into_iter().for_each(|id| assert!(matches!(raw.answer_to(id), Down::Sent(_))));
    };
    say(&mut alice, 2, BEFORE);
    server.wait_for_metric("hubbub_connections_lagging", |lagging| lagging == 4.0);
    assert!(matches!(alice.ask(remove_members(made.group, "out", &[2, 3, 4, 5])), Down::Done(_)));
    say(&mut alice, BEFORE + 2, BEFORE + 50);
    for raw in &mut slow {
        let mut log = Reader::new(group(made.group));
        log.read_up_to(raw, BEFORE + 1);
        assert!(log.entries.last().is_some_and(|entry| entry.event.is_some()));
        assert!(raw.so_far().is_empty());
    }
}

/// Writes the same frame until the server no longer takes it (a server that only hesitates is let off too early, which
/// fails nothing), `bytes_max` bytes at most. Tells how many frames went.
fn write_until_refused(raw: &mut Raw, frame: &[u8], bytes_max: usize) -> usize {
    raw.stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let many = frame.repeat(65_536 / frame.len());
    let mut written = 0;
    loop {
        match raw.stream.write(&many[written % frame.len()..]) {
            Ok(count) => written += count,
            // What was cut is completed when the server reads again.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            Err(error) => panic!("{error}"),
        }
        assert!(written < bytes_max, "the server reads on although nobody reads its answers");
    }
    raw.stream.set_write_timeout(Some(DEADLINE)).unwrap();
    let rest = (frame.len() - written % frame.len()) % frame.len();
    let mut writer = raw.stream.try_clone().unwrap();
    let tail = frame[frame.len() - rest..].to_vec();
    std::thread::spawn(move || writer.write_all(&tail));
    (written + rest) / frame.len()
}

/// Counts the frames that come until there were `count`.
fn read_frames(raw: &mut Raw, count: usize, mut check: impl FnMut(ServerFrame)) {
    let mut input = bytes::BytesMut::new();
    let mut part = vec![0; 65_536];
    let mut seen = 0;
    while seen < count {
        let read = raw.stream.read(&mut part).unwrap();
        assert!(read > 0, "closed after {seen} of {count}");
        input.extend_from_slice(&part[..read]);
        while let Some(payload) = hubbub_codec::frame::decode_frame_mut(&mut input, 1 << 20).unwrap() {
            check(ServerFrame::decode(payload).unwrap());
            seen += 1;
        }
    }
    assert_eq!((seen, input.len()), (count, 0));
}

#[test]
fn one_who_asks_and_does_not_read_is_not_read_either() {
    let server = lean().start();
    let (mut fast, _) = Raw::login_and_sync(&server, 2, 1);
    let mut log = Reader::new(direct(1, 2));
    let mut alice = Raw::login(&server, 1, 1);
    for n in 1..=60 {
        let mut send = message(To::User(2), name(&n.to_string()), "");
        send.body = vec![b'x'; 700].into();
        alice.ask(Up::Send(send));
    }
    log.read_up_to(&mut fast, 60);
    let before = server.resident_bytes();
    let pings = Up::Ping(Ping { nonce: 5 });
    let pages = history_after(direct(1, 2), 0, 60);
    let refused = get_group(77, 0, 0);
    let out_of_shape = Up::History(Default::default());
    for (device, (request, answer_bytes)) in
        [(pings, 20), (pages, 40_000), (refused, 80), (out_of_shape, 40)].into_iter().enumerate()
    {
        let mut raw = narrow(&server);
        raw.log_in(&server, 1, device as u64 + 2);
        let frame = encode_frame(&ClientFrame { request_id: 9, body: Some(request) });
        let count = write_until_refused(&mut raw, &frame, 48 << 20);
        let grown = server.resident_bytes().saturating_sub(before);
        assert!(grown < 64 * MIB, "the server has grown by {} MiB", grown / MIB);
        // Others do not notice.
        alice.ask(to_user(2, &format!("meanwhile {device}")));
        let seq = log.cursor + 1;
        log.read_up_to(&mut fast, seq);
        // When it reads again, every request gets its answer. Large answers to so many would take long: some do.
        let wanted = count.min(64 * MIB as usize / answer_bytes);
        if wanted == count {
            read_frames(&mut raw, count, |frame| assert_eq!(frame.request_id, 9));
        }
    }
}

#[test]
fn a_stranger_who_asks_and_does_not_read_is_not_read_either() {
    let server = lean().start();
    let before = server.resident_bytes();
    let mut raw = narrow(&server);
    raw.hello();
    let frame = encode_frame(&ClientFrame { request_id: 9, body: Some(Up::Ping(Ping { nonce: 5 })) });
    write_until_refused(&mut raw, &frame, 48 << 20);
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 32 * MIB, "the server has grown by {} MiB", grown / MIB);
}

#[test]
fn one_who_does_not_read_for_too_long_is_closed() {
    let server = lean().config("limits.write_deadline_ms = 500").start();
    let mut raw = narrow(&server);
    raw.log_in(&server, 1, 1);
    let frame = encode_frame(&ClientFrame { request_id: 9, body: Some(Up::Ping(Ping { nonce: 5 })) });
    let many = frame.repeat(1_000);
    // The server closes in the end, whatever is in flight.
    wait_until("the server to close", || raw.stream.write_all(&many).is_err());
    server.wait_for_metric("hubbub_closes_total{reason=\"stalled\"}", |closed| closed == 1.0);
    server.wait_for_metric("hubbub_connections", |connections| connections == 0.0);
}
