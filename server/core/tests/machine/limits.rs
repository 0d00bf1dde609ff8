//! The server's own limits: a full disk, too much that is not durable, a store that cannot be read.

use super::world::{World, check, dm};
use hubbub_core::ids::Seq;
use hubbub_core::records::PagePosition;
use hubbub_core::settings::Settings;

#[test]
fn while_the_disk_is_full_sends_are_refused_and_reads_go_on() {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let alice = world.online(a);
    world.login(b);
    world.send(alice, dm(a, b), "x");
    world.go();
    world.take(alice);
    world.set_storage_full(true);
    world.send(alice, dm(a, b), "y");
    check(&mut world, alice, &["refused: StorageFull"]);
    world.create_group(alice, "g", &[b]);
    check(&mut world, alice, &["refused: StorageFull"]);
    world.history(alice, dm(a, b), PagePosition::After(Seq(0)), 50);
    check(&mut world, alice, &["history 1:x (to 1, head 1)"]);
    world.set_storage_full(false);
    world.send(alice, dm(a, b), "y");
    check(&mut world, alice, &["sent 2", "run dm 2:y"]);
}

#[test]
fn beyond_so_many_uncommitted_bytes_appends_are_refused_for_a_while() {
    let mut world = World::with(1, Settings { pending_bytes_max: 1_000, ..Settings::default() });
    let (a, b) = (world.user_on(0, 0), world.user_on(0, 1));
    let alice = world.online(a);
    world.online(b);
    world.send(alice, dm(a, b), "x");
    world.go();
    world.take(alice);
    world.hold_commits = true;
    world.send_body(alice, dm(a, b), "y", 1_000);
    world.send(alice, dm(a, b), "z");
    check(&mut world, alice, &["refused: Overloaded"]);
    world.hold_commits = false;
    check(&mut world, alice, &["sent 2", "run dm 2:y"]);
    world.send(alice, dm(a, b), "z");
    check(&mut world, alice, &["sent 3", "run dm 3:z"]);
}

#[test]
fn a_conversation_that_cannot_be_read_is_refused_and_may_be_asked_for_again() {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let alice = world.online(a);
    world.online(b);
    world.fail_reads = true;
    world.send(alice, dm(a, b), "x");
    world.mark(alice, dm(a, b), 1, 1);
    check(&mut world, alice, &["refused: ReadFailed", "refused: ReadFailed"]);
    world.fail_reads = false;
    world.resend(alice, dm(a, b), "x", 0);
    check(&mut world, alice, &["joined dm", "sent 1", "run dm 1:x"]);
}
