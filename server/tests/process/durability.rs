//! With `fsync`, nothing of a message leaves the server before a sync that covers it has returned. A killed process
//! cannot show that, so the system calls of a real one are traced.

use crate::support::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// A system call: when it began and ended (as lines of the trace), its name and everything else.
struct Call {
    begin: usize,
    end: usize,
    name: String,
    rest: String,
}

/// Puts together what strace has written as "unfinished" and "resumed".
fn calls(trace: &Path) -> Vec<Call> {
    let text = std::fs::read_to_string(trace).unwrap();
    let mut unfinished: BTreeMap<&str, Call> = BTreeMap::new();
    let mut calls = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let Some((pid, line)) = line.split_once(' ') else { continue };
        let line = line.trim_start();
        if line.starts_with("<... ") {
            if let Some(mut call) = unfinished.remove(pid) {
                call.end = at;
                call.rest.push_str(line);
                calls.push(call);
            }
        } else if let Some((name, rest)) = line.split_once('(') {
            let call = Call { begin: at, end: at, name: name.to_owned(), rest: rest.to_owned() };
            if rest.ends_with("<unfinished ...>") {
                unfinished.insert(pid, call);
            } else {
                calls.push(call);
            }
        }
    }
    calls.extend(unfinished.into_values().map(|call| Call { end: usize::MAX, ..call }));
    calls.sort_by_key(|call| call.begin);
    calls
}

impl Call {
    fn is_sync(&self) -> bool {
        matches!(self.name.as_str(), "fsync" | "fdatasync") && self.rest.contains(".log>")
    }

    fn writes_wal(&self) -> bool {
        self.name.contains("write") && self.rest.contains(".log>")
    }

    fn writes_socket(&self) -> bool {
        let file = self.rest.split_once(',').map_or("", |(file, _)| file);
        (self.name.contains("write") || self.name.starts_with("send"))
            && (file.contains("<socket:") || file.contains("<TCP"))
    }

    fn shows(&self, marker: &str) -> bool {
        self.rest.contains(marker)
    }
}

/// When a sync that began after the marker was in the log had returned; `None` when no such sync took place.
fn durable_from(calls: &[Call], marker: &str) -> Option<usize> {
    let written = calls.iter().find(|call| call.writes_wal() && call.shows(marker)).expect("it is written to the log");
    let sync = calls.iter().find(|call| call.is_sync() && call.begin > written.end);
    sync.map(|sync| sync.end)
}

/// Runs a conversation under strace: first one message at a time, then many at once. All markers, and the trace.
fn traced(durability: &str) -> (Vec<String>, Vec<String>, Vec<Call>) {
    let works = Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    assert!(
        works,
        "strace is missing, which shows in which order the server syncs and answers: run scripts/setup.sh --tests"
    );
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace").display().to_string();
    let calls_of_interest = "trace=fsync,fdatasync,write,pwrite64,writev,pwritev,sendto,sendmsg";
    let mut server = Setup::new()
        .config(&format!("durability = \"{durability}\""))
        .wrapper(&["strace", "-f", "-y", "-s", "100000", "-e", "signal=none", "-e", calls_of_interest, "-o", &trace])
        .start();
    let (mut bob, _) = Raw::login_and_sync(&server, 20, 1);
    let (mut alice, _) = Raw::login_and_sync(&server, 10, 1);
    assert!(matches!(alice.ask(to_user(20, "begin")), Down::Sent(_)));
    let mut log = Reader::new(direct(10, 20));
    log.read_up_to(&mut bob, 1);
    let single: Vec<String> = (0..10).map(|n| format!("single-{n}-")).collect();
    for marker in &single {
        assert!(matches!(alice.ask(to_user(20, marker)), Down::Sent(_)));
        let next = log.cursor + 1;
        log.read_up_to(&mut bob, next);
        alice.push(|body| match body {
            Down::Entries(run) if run.entries.iter().any(|entry| entry.body == marker.as_str()) => Some(()),
            _ => None,
        });
    }
    let many: Vec<String> = (0..100).map(|n| format!("many-{n}-")).collect();
    let ids: Vec<u64> = many.iter().map(|marker| alice.say(to_user(20, marker))).collect();
    ids.into_iter().for_each(|id| assert!(matches!(alice.answer_to(id), Down::Sent(_))));
    log.read_up_to(&mut bob, 111);
    server.stop();
    (single, many, calls(Path::new(&trace)))
}

#[test]
fn with_fsync_nothing_leaves_before_its_sync() {
    let (single, many, calls) = traced("fsync");
    for marker in &single {
        // Nothing else is going on: no byte at all goes to a client between the write and the end of the sync.
        let durable = durable_from(&calls, marker).expect("a sync follows");
        let written = calls.iter().find(|call| call.writes_wal() && call.shows(marker)).unwrap().begin;
        let early = calls.iter().find(|call| call.writes_socket() && (written..durable).contains(&call.begin));
        assert!(early.is_none_or(|call| !call.shows("single")), "{marker}: an entry left early");
        assert!(early.is_none(), "{marker}: an answer left early");
    }
    for marker in single.iter().chain(&many) {
        let durable = durable_from(&calls, marker).expect("a sync follows");
        let shown: Vec<&Call> = calls.iter().filter(|call| call.writes_socket() && call.shows(marker)).collect();
        assert!(shown.len() >= 2, "{marker}: to the receiver and to the sender");
        assert!(shown.iter().all(|call| call.begin > durable), "{marker}: left before it was durable");
    }
}

/// The same look at a server that promises less finds what the first test must not find: it can fail.
#[test]
fn with_os_answers_leave_without_a_sync() {
    let (single, _, calls) = traced("os");
    let early = single.iter().filter(|marker| {
        let shown = calls.iter().find(|call| call.writes_socket() && call.shows(marker)).expect("it was delivered");
        durable_from(&calls, marker).is_none_or(|durable| shown.begin < durable)
    });
    assert!(early.count() > 0);
}
