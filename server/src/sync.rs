//! The primitives that `mailbox` is built from, in one place so that its test can put a model checker's in theirs.

pub(crate) use atomic_waker::AtomicWaker;
pub(crate) use crossbeam::queue::ArrayQueue as Queue;
pub(crate) use std::sync::atomic::{AtomicBool, Ordering};
