//! Jobs are answered where they came from, and never wait without a bound.

use super::*;
use std::future::poll_fn;

fn start(threads: usize, queue_max: usize, shards: usize) -> (HasherPool, Vec<Hasher>, Vec<Arc<Bell>>) {
    let bells: Vec<Arc<Bell>> = (0..shards).map(|_| Arc::default()).collect();
    let (pool, hashers) = HasherPool::start(threads, queue_max, bells.clone()).unwrap();
    (pool, hashers, bells)
}

/// Waits for the bell, as a shard does, until `count` answers are there.
fn answers(hasher: &mut Hasher, bell: &Bell, count: usize) -> Vec<HashAnswer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let waiting = async {
        let mut answers = Vec::new();
        while answers.len() < count {
            poll_fn(|cx| bell.poll_rung(cx)).await;
            answers.extend(std::iter::from_fn(|| hasher.pop()));
        }
        answers
    };
    let limited = async { tokio::time::timeout(Duration::from_secs(60), waiting).await };
    runtime.block_on(limited).expect("the bell rings")
}

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

#[test]
fn each_shard_gets_the_answers_to_its_own_jobs() {
    let (pool, mut hashers, bells) = start(2, 8, 2);
    for (shard, hasher) in hashers.iter_mut().enumerate() {
        hasher.try_submit(HashTicket(shard as u64), HashJob::Hash(password("a password"))).unwrap();
    }
    for (shard, hasher) in hashers.iter_mut().enumerate() {
        let found = answers(hasher, &bells[shard], 1);
        let [HashAnswer { ticket: HashTicket(ticket), outcome: HashOutcome::Hashed(kept), .. }] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!(*ticket, shard as u64);
        for (ticket, text, kept) in
            [(10, "a password", Some(kept.clone())), (11, "another", Some(kept.clone())), (12, "a password", None)]
        {
            hasher.try_submit(HashTicket(ticket), HashJob::Verify(password(text), kept)).unwrap();
        }
        let mut found = answers(hasher, &bells[shard], 3);
        found.sort_by_key(|answer| answer.ticket.0);
        let right: Vec<_> = found.iter().map(|answer| answer.outcome == HashOutcome::Verified(true)).collect();
        assert_eq!((right, hasher.under_way()), (vec![true, false, false], 0));
    }
    drop(hashers);
    pool.join();
}

#[test]
fn beyond_the_bound_a_job_is_refused_with_the_time_to_come_back() {
    let (pool, mut hashers, bells) = start(1, 2, 1);
    let mut taken = 0;
    let busy = loop {
        match hashers[0].try_submit(HashTicket(taken), HashJob::Verify(password("x"), None)) {
            Ok(()) => taken += 1,
            Err(busy) => break busy,
        }
        assert!(taken < 1_000, "submitting is faster than hashing");
    };
    assert!((100..=60_000).contains(&busy.retry_after_ms), "{busy}");
    assert!(taken >= 2 && hashers[0].waiting() <= 2);
    assert_eq!(answers(&mut hashers[0], &bells[0], taken as usize).len(), taken as usize, "what was taken is answered");
    hashers[0].try_submit(HashTicket(0), HashJob::Verify(password("x"), None)).expect("there is room again");
    drop(hashers);
    pool.join();
}

#[test]
fn an_unusable_hash_is_an_outcome() {
    let (pool, mut hashers, bells) = start(1, 2, 1);
    let kept = Some(PasswordHash::from_phc("nonsense"));
    hashers[0].try_submit(HashTicket(7), HashJob::Verify(password("x"), kept)).unwrap();
    let found = answers(&mut hashers[0], &bells[0], 1);
    assert!(matches!(found[..], [HashAnswer { ticket: HashTicket(7), outcome: HashOutcome::Failed, .. }]), "{found:?}");
    drop(hashers);
    pool.join();
}

#[test]
fn the_time_to_come_back_follows_from_what_waits_and_how_fast_it_goes() {
    let pace = Pace::new(2);
    assert_eq!(pace.retry_after_ms(64), 33 * 50);
    (0..200).for_each(|_| pace.took(Duration::from_millis(200)));
    assert!((33 * 195..=33 * 200).contains(&pace.retry_after_ms(64)), "{}", pace.retry_after_ms(64));
    (0..200).for_each(|_| pace.took(Duration::ZERO));
    assert_eq!(pace.retry_after_ms(64), 100);
    (0..200).for_each(|_| pace.took(Duration::from_secs(1_000_000)));
    assert_eq!(pace.retry_after_ms(64), 60_000);
}
