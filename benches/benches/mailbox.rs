//! What it costs to hand messages to another thread.

use std::hint::black_box;
use std::sync::Arc;
use std::task::Poll;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hubbub_server::mailbox::Mailbox;

/// About as large as what shards say to each other.
type Message = [u64; 16];

fn lane(c: &mut Criterion) {
    let mut group = c.benchmark_group("mailbox/one thread");
    for batch in [1, 64] {
        let mailbox = Mailbox::<Message>::new(2, 1_024);
        group.throughput(Throughput::Elements(batch));
        group.bench_function(format!("{batch} in, {batch} out"), |b| {
            b.iter(|| {
                (0..batch).for_each(|n| mailbox.push(1, black_box([n; 16])).expect("room"));
                while let Some(message) = mailbox.pop(1) {
                    black_box(message);
                }
            });
        });
    }
}

/// Waits for the bell, takes everything; the number of messages.
async fn take(mailbox: &Mailbox<Message>, lane: usize) -> u64 {
    std::future::poll_fn(|cx| {
        if mailbox.bell().poll_rung(cx).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(std::iter::from_fn(|| mailbox.pop(lane)).count() as u64)
    })
    .await
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime")
}

/// There and back between two sleeping runtimes: two hand-overs, two wake-ups.
fn round_trip(c: &mut Criterion) {
    let mut group = c.benchmark_group("mailbox/there and back");
    for batch in [1, 64] {
        let there = Arc::new(Mailbox::<Message>::new(1, 1_024));
        let back = Arc::new(Mailbox::<Message>::new(1, 1_024));
        let (from, to) = (there.clone(), back.clone());
        // A message that starts with this ends the echo.
        const END: u64 = u64::MAX;
        let echo = std::thread::spawn(move || {
            runtime().block_on(async {
                loop {
                    let mut ended = false;
                    std::future::poll_fn(|cx| from.bell().poll_rung(cx)).await;
                    while let Some(message) = from.pop(0) {
                        ended |= message[0] == END;
                        to.push(0, message).expect("room");
                    }
                    to.bell().ring();
                    if ended {
                        return;
                    }
                }
            });
        });
        let local = runtime();
        group.throughput(Throughput::Elements(batch));
        group.bench_function(format!("{batch} messages"), |b| {
            b.iter(|| {
                (0..batch).for_each(|n| there.push(0, [n; 16]).expect("room"));
                there.bell().ring();
                local.block_on(async {
                    let mut taken = 0;
                    while taken < batch {
                        taken += take(&back, 0).await;
                    }
                });
            });
        });
        there.push(0, [END; 16]).expect("room");
        there.bell().ring();
        echo.join().expect("the echo ends");
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = lane, round_trip
}
criterion_main!(benches);
