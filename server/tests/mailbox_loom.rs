//! The shards' mailboxes under every interleaving that loom finds: no wake-up is lost, lanes keep their order and
//! their bound.

#[allow(dead_code, missing_docs, unreachable_pub)]
#[path = "../src/mailbox.rs"]
mod mailbox;

/// The primitives of `mailbox`, as loom's.
mod sync {
    use loom::sync::Mutex;
    pub(crate) use loom::sync::atomic::{AtomicBool, Ordering};
    use std::collections::VecDeque;
    use std::task::Waker;

    #[derive(Debug)]
    pub(crate) struct AtomicWaker(loom::future::AtomicWaker);

    impl AtomicWaker {
        pub(crate) fn new() -> AtomicWaker {
            AtomicWaker(loom::future::AtomicWaker::new())
        }

        pub(crate) fn register(&self, waker: &Waker) {
            self.0.register_by_ref(waker);
        }

        pub(crate) fn wake(&self) {
            self.0.wake();
        }
    }

    /// A bounded queue.
    #[derive(Debug)]
    pub(crate) struct Queue<T> {
        items: Mutex<VecDeque<T>>,
        capacity: usize,
    }

    impl<T> Queue<T> {
        pub(crate) fn new(capacity: usize) -> Queue<T> {
            Queue { items: Mutex::new(VecDeque::new()), capacity }
        }

        pub(crate) fn push(&self, item: T) -> Result<(), T> {
            let mut items = self.items.lock().unwrap();
            if items.len() == self.capacity {
                return Err(item);
            }
            items.push_back(item);
            Ok(())
        }

        pub(crate) fn pop(&self) -> Option<T> {
            self.items.lock().unwrap().pop_front()
        }

        pub(crate) fn len(&self) -> usize {
            self.items.lock().unwrap().len()
        }
    }
}

use loom::future::block_on;
use loom::thread;
use mailbox::Mailbox;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// Waits for the bell and empties all lanes, as a shard does, until `count` messages have come.
fn receive(mailbox: &Mailbox<(usize, u32)>, count: usize) -> Vec<(usize, u32)> {
    let mut received = Vec::new();
    block_on(poll_fn(|cx| {
        // Every ring is answered by a look into every lane; no other look takes place.
        while mailbox.bell().poll_rung(cx).is_ready() {
            for lane in 0..mailbox.senders() {
                while let Some(message) = mailbox.pop(lane) {
                    received.push(message);
                }
            }
            if received.len() == count {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }));
    received
}

/// All interleavings with at most three switches that no thread asked for: more find nothing new, and take for ever.
fn model(scene: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(scene);
}

/// A sender that rings after each message.
fn send(mailbox: &Arc<Mailbox<(usize, u32)>>, sender: usize, count: u32) -> thread::JoinHandle<()> {
    let mailbox = mailbox.clone();
    thread::spawn(move || {
        for n in 0..count {
            mailbox.push(sender, (sender, n)).unwrap();
            mailbox.bell().ring();
        }
    })
}

#[test]
fn no_wake_up_of_two_senders_is_lost() {
    model(|| {
        let mailbox = Arc::new(Mailbox::new(2, 4));
        let senders = [send(&mailbox, 0, 1), send(&mailbox, 1, 1)];
        let mut received = receive(&mailbox, 2);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        received.sort_unstable();
        assert_eq!(received, [(0, 0), (1, 0)]);
        assert_eq!(mailbox.depth(), 0);
    });
}

#[test]
fn no_wake_up_of_a_busy_sender_is_lost_and_its_order_is_kept() {
    model(|| {
        let mailbox = Arc::new(Mailbox::new(1, 4));
        let sender = send(&mailbox, 0, 3);
        assert_eq!(receive(&mailbox, 3), [(0, 0), (0, 1), (0, 2)]);
        sender.join().unwrap();
    });
}

#[test]
fn one_ring_is_enough_for_many_messages() {
    model(|| {
        let mailbox = Arc::new(Mailbox::new(1, 4));
        let sender = thread::spawn({
            let mailbox = mailbox.clone();
            move || {
                for n in 0..3 {
                    mailbox.push(0, (0, n)).unwrap();
                }
                mailbox.bell().ring();
            }
        });
        assert_eq!(receive(&mailbox, 3), [(0, 0), (0, 1), (0, 2)]);
        sender.join().unwrap();
    });
}

#[test]
fn a_full_lane_gives_the_message_back() {
    model(|| {
        let mailbox = Arc::new(Mailbox::new(1, 1));
        let sender = thread::spawn({
            let mailbox = mailbox.clone();
            move || {
                let mut waiting = std::collections::VecDeque::from([(0, 0), (0, 1)]);
                while let Some(message) = waiting.pop_front() {
                    match mailbox.push(0, message) {
                        Ok(()) => mailbox.bell().ring(),
                        // As the router does: it keeps it, in front, and tries again.
                        Err(message) => {
                            waiting.push_front(message);
                            thread::yield_now();
                        }
                    }
                }
            }
        });
        assert_eq!(receive(&mailbox, 2), [(0, 0), (0, 1)]);
        sender.join().unwrap();
    });
}
