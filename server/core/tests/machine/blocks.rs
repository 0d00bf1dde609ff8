//! Blocks: entries that are committed together share a value, within two limits.

use super::world::{Client, World, dm};
use hubbub_core::ids::Conversation;
use hubbub_core::records::{BLOCK_BYTES_MAX, BLOCK_ENTRIES_MAX, Block, Write};

fn chat() -> (World, Client, Client, Conversation) {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let (alice, bob) = (world.online(a), world.online(b));
    world.send(alice, dm(a, b), "a");
    world.go();
    world.take(alice);
    world.take(bob);
    (world, alice, bob, dm(a, b))
}

/// The blocks of what is decided and not committed.
fn decided(world: &mut World) -> Vec<Block> {
    world.hold_commits = true;
    world.go();
    let writes = world.batches.iter().flat_map(|batch| &batch.writes);
    let blocks =
        writes.filter_map(|write| if let Write::PutBlock(_, block) = write { Some(block.clone()) } else { None });
    blocks.collect()
}

#[test]
fn a_burst_becomes_one_block() {
    let (mut world, alice, _, chat) = chat();
    for n in 0..10 {
        world.send(alice, chat, &n.to_string());
    }
    let blocks = decided(&mut world);
    assert_eq!(blocks.iter().map(|block| (block.first.0, block.count)).collect::<Vec<_>>(), [(2, 10)]);
}

#[test]
fn a_block_holds_so_many_entries() {
    let (mut world, alice, bob, chat) = chat();
    for n in 0..BLOCK_ENTRIES_MAX * 2 + 1 {
        world.send(alice, chat, &n.to_string());
    }
    let blocks = decided(&mut world);
    let sizes: Vec<u16> = blocks.iter().map(|block| block.count).collect();
    assert_eq!(sizes, [BLOCK_ENTRIES_MAX as u16, BLOCK_ENTRIES_MAX as u16, 1]);
    world.hold_commits = false;
    world.go();
    let frames = world.take(bob);
    assert_eq!(frames.len(), 3);
    assert!(frames[2].starts_with("run dm 130:"));
}

#[test]
fn a_block_holds_so_many_bytes_save_for_one_long_entry() {
    let (mut world, alice, bob, chat) = chat();
    let lengths = [10_000, 10_000, 20_000, 60_000, 100, 60_000, 32_000, 100];
    for (n, length) in lengths.into_iter().enumerate() {
        world.send_body(alice, chat, &n.to_string(), length);
    }
    let blocks = decided(&mut world);
    for block in &blocks {
        let bytes = block.entries.len();
        assert!(bytes <= BLOCK_BYTES_MAX || block.count == 1, "{} entries of {bytes} bytes", block.count);
    }
    let counts: Vec<u16> = blocks.iter().map(|block| block.count).collect();
    assert_eq!(counts, [2, 1, 1, 1, 1, 2]);
    world.hold_commits = false;
    world.go();
    assert_eq!(world.take(bob).len(), blocks.len());
}

#[test]
fn a_removal_ends_its_block_even_when_the_block_was_nearly_full() {
    use hubbub_core::request::Action;
    let (mut world, alice, bob, chat) = chat();
    let Conversation::Direct { low, high } = chat else { unreachable!() };
    let b = if world.slots.shard_of_user(low).0 == 1 { low } else { high };
    let group = world.group(alice, "g", &[b]);
    for n in 0..BLOCK_ENTRIES_MAX - 1 {
        world.send(alice, group, &n.to_string());
    }
    world.act(alice, group, "out", Action::RemoveMembers(vec![b]));
    world.send(alice, group, "secret");
    world.go();
    let frames = world.take(bob);
    assert!(frames.iter().any(|line| line.contains("out")), "{frames:?}");
    assert!(frames.iter().all(|line| !line.contains("secret")), "{frames:?}");
}
