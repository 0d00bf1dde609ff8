//! Registering: one account for an address, whatever happens at once and wherever it stops.

use super::world::{Client, World, check};
use hubbub_core::account::{Email, PasswordHash};
use hubbub_core::ids::UserId;
use hubbub_core::question::{Question, Registration, Who};

pub(crate) fn registration(user: UserId, email: &str) -> Question {
    Question::Register(Box::new(Registration {
        user,
        email: Email::new(email),
        name: "Ada".into(),
        password: PasswordHash::new(format!("hash of {user}")),
    }))
}

fn find(world: &mut World, email: &str) -> Client {
    world.ask(0, Question::Credentials(Who::Email(Email::new(email))))
}

#[test]
fn an_account_is_found_by_its_address_and_by_its_id() {
    for shards in [1, 3] {
        let mut world = World::new(shards);
        for n in 0..20 {
            let user = UserId(1_000 + n);
            let email = format!("ada{n}@example.org");
            let asker = world.ask(n as usize % usize::from(shards), registration(user, &email));
            check(&mut world, asker, &[&format!("registered {user}")]);
            let by_email = find(&mut world, &email);
            check(&mut world, by_email, &[&format!("credentials of {user}")]);
            let by_id = world.ask(0, Question::Credentials(Who::User(user)));
            check(&mut world, by_id, &[&format!("credentials of {user}")]);
            let found = world.credentials.take().unwrap();
            assert_eq!(found.password, Some(PasswordHash::new(format!("hash of {user}"))));
            assert_eq!(found.email, Some(Email::new(email)));
        }
        let nobody = find(&mut world, "bob@example.org");
        check(&mut world, nobody, &["nobody"]);
        let nobody = world.ask(0, Question::Credentials(Who::User(UserId(5))));
        check(&mut world, nobody, &["nobody"]);
    }
}

#[test]
fn of_two_registrations_of_one_address_exactly_one_wins() {
    for shards in [1, 3] {
        let mut world = World::new(shards);
        let askers: Vec<Client> = (0..5)
            .map(|n| world.ask(n % usize::from(shards), registration(UserId(100 + n as u64), "ada@example.org")))
            .collect();
        world.go();
        let answers: Vec<Vec<String>> = askers.into_iter().map(|asker| world.take(asker)).collect();
        let won = answers.iter().filter(|lines| lines[0].starts_with("registered")).count();
        let lost = answers.iter().filter(|lines| **lines == ["refused: EmailTaken"]).count();
        assert_eq!((won, lost), (1, 4), "{answers:?}");
    }
}

#[test]
fn nothing_is_answered_before_the_account_is_durable() {
    let mut world = World::new(2);
    world.hold_commits = true;
    let asker = world.ask(0, registration(UserId(7), "ada@example.org"));
    check(&mut world, asker, &[]);
    let early = find(&mut world, "ada@example.org");
    check(&mut world, early, &[]);
    assert!(world.commit(), "the reservation");
    check(&mut world, asker, &[]);
    assert!(world.commit(), "the account");
    check(&mut world, asker, &["registered 7"]);
}

#[test]
fn a_crash_between_the_homes_frees_the_address_after_a_while() {
    let mut world = World::new(2);
    world.hold_commits = true;
    world.ask(0, registration(UserId(7), "ada@example.org"));
    world.go();
    assert!(world.commit(), "the reservation");
    world.crash();
    world.hold_commits = false;
    let soon = world.ask(0, registration(UserId(8), "ada@example.org"));
    check(&mut world, soon, &["refused: EmailTaken"]);
    world.pass_ms(60_000);
    let later = world.ask(0, registration(UserId(9), "ada@example.org"));
    check(&mut world, later, &["registered 9"]);
    let found = find(&mut world, "ada@example.org");
    check(&mut world, found, &["credentials of 9"]);
}

#[test]
fn a_crash_after_the_account_was_made_leaves_it_with_its_address() {
    let mut world = World::new(2);
    let lost = world.ask(0, registration(UserId(7), "ada@example.org"));
    world.go();
    world.take(lost);
    world.crash();
    let found = find(&mut world, "ada@example.org");
    check(&mut world, found, &["credentials of 7"]);
    world.pass_ms(3_600_000);
    for user in [8, 9] {
        let taken = world.ask(1, registration(UserId(user), "ada@example.org"));
        check(&mut world, taken, &["refused: EmailTaken"]);
    }
}

#[test]
fn an_account_is_not_made_when_its_reservation_is_nearly_over() {
    let mut world = World::new(2);
    world.hold_messages = true;
    let slow = world.ask(0, registration(UserId(7), "ada@example.org"));
    world.go();
    world.pass_ms(59_000);
    world.hold_messages = false;
    world.go();
    let lines = world.take(slow);
    assert!(lines == ["registered 7"] || lines == ["refused: Unlucky"], "{lines:?}");
}

#[test]
fn those_who_wait_for_an_expired_reservation_are_answered_in_order() {
    let mut world = World::new(3);
    world.hold_commits = true;
    world.ask(0, registration(UserId(7), "ada@example.org"));
    world.go();
    world.commit();
    world.crash();
    world.hold_commits = false;
    world.pass_ms(60_000);
    let first = world.ask(0, registration(UserId(8), "ada@example.org"));
    let second = world.ask(0, registration(UserId(9), "ada@example.org"));
    check(&mut world, first, &["registered 8"]);
    check(&mut world, second, &["refused: EmailTaken"]);
}

#[test]
fn an_id_that_is_there_is_refused_and_the_address_is_free_later() {
    let mut world = World::new(1);
    world.login(UserId(7));
    let unlucky = world.ask(0, registration(UserId(7), "ada@example.org"));
    check(&mut world, unlucky, &["refused: Unlucky"]);
    world.crash();
    let unlucky = world.ask(0, registration(UserId(7), "bob@example.org"));
    check(&mut world, unlucky, &["refused: Unlucky"]);
    world.pass_ms(60_000);
    let lucky = world.ask(0, registration(UserId(8), "ada@example.org"));
    check(&mut world, lucky, &["registered 8"]);
}

#[test]
fn what_cannot_be_read_is_said_and_may_be_repeated() {
    let mut world = World::new(2);
    world.fail_reads = true;
    let asker = world.ask(0, registration(UserId(7), "ada@example.org"));
    check(&mut world, asker, &["refused: ReadFailed"]);
    let asker = world.ask(0, Question::Credentials(Who::User(UserId(7))));
    check(&mut world, asker, &["refused: ReadFailed"]);
    world.fail_reads = false;
    let asker = world.ask(0, registration(UserId(7), "ada@example.org"));
    check(&mut world, asker, &["registered 7"]);
}

#[test]
fn nobody_registers_while_the_disk_is_nearly_full() {
    let mut world = World::new(1);
    world.set_storage_full(true);
    let asker = world.ask(0, registration(UserId(7), "ada@example.org"));
    check(&mut world, asker, &["refused: StorageFull"]);
}
