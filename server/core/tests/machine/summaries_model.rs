//! Whatever happens in a group, what its authors were told last is what the stored marks say.

use super::world::{Client, World};
use hubbub_core::ids::{Conversation, Seq, UserId};
use hubbub_core::request::Action;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Mark(usize, u64, u64),
    Remove(usize),
    Add(usize),
    Tick,
    HoldReads(bool),
    HoldCommits(bool),
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let member = 0..4usize;
    prop_oneof![
        4 => member.clone().prop_map(Step::Send),
        8 => (member.clone(), 0..60u64, 0..60u64).prop_map(|(who, delivered, read)| Step::Mark(who, delivered, read)),
        1 => (1..4usize).prop_map(Step::Remove),
        1 => (1..4usize).prop_map(Step::Add),
        2 => Just(Step::Tick),
        1 => any::<bool>().prop_map(Step::HoldReads),
        1 => any::<bool>().prop_map(Step::HoldCommits),
        1 => Just(Step::Crash),
    ]
}

struct Team {
    world: World,
    users: [UserId; 4],
    clients: [Client; 4],
    group: Conversation,
    /// What each author was told last, by seq.
    told: BTreeMap<u64, (u32, u32)>,
}

impl Team {
    fn new() -> Team {
        let mut world = World::new(2);
        let users = [world.user_on(0, 0), world.user_on(1, 0), world.user_on(0, 1), world.user_on(1, 1)];
        let clients = users.map(|user| world.online(user));
        let group = world.group(clients[0], "g", &users[1..]);
        Team { world, users, clients, group, told: BTreeMap::new() }
    }

    fn act(&mut self, number: usize, step: &Step) {
        let (world, group, name) = (&mut self.world, self.group, format!("n{number}"));
        match *step {
            Step::Send(who) => world.send(self.clients[who], group, &name),
            Step::Mark(who, delivered, read) => world.mark(self.clients[who], group, delivered, read),
            Step::Remove(who) => {
                world.act(self.clients[0], group, &name, Action::RemoveMembers(vec![self.users[who]]));
            }
            Step::Add(who) => world.act(self.clients[0], group, &name, Action::AddMembers(vec![self.users[who]])),
            Step::Tick => world.tick(),
            Step::HoldReads(hold) => world.hold_reads = hold,
            Step::HoldCommits(hold) => world.hold_commits = hold,
            Step::Crash => {
                self.listen();
                (self.world.hold_reads, self.world.hold_commits) = (false, false);
                self.world.crash();
                self.clients = self.users.map(|user| self.world.online(user));
            }
        }
        self.world.go();
        self.listen();
    }

    fn rest(&mut self) {
        (self.world.hold_reads, self.world.hold_commits) = (false, false);
        for _ in 0..10 {
            self.world.tick();
            self.world.go();
        }
        self.listen();
    }

    /// Takes what authors were told: counts never fall.
    fn listen(&mut self) {
        for (client, user) in self.clients.into_iter().zip(self.users) {
            for line in self.world.take(client) {
                let Some(summaries) = line.strip_prefix("summaries ") else { continue };
                for summary in summaries.split(", ") {
                    let numbers: Vec<u64> =
                        summary.split([':', ' ']).filter_map(|number| number.parse().ok()).collect();
                    let [seq, delivered, read] = numbers[..] else { panic!("{summary}") };
                    assert_eq!(self.author(seq), Some(user), "{summary} is the author's");
                    let told = self.told.entry(seq).or_default();
                    let counts = (delivered as u32, read as u32);
                    assert!(counts.0 >= told.0 && counts.1 >= told.1, "{summary} after {told:?}");
                    *told = counts;
                }
            }
        }
    }

    fn author(&self, seq: u64) -> Option<UserId> {
        let header = self.world.store.headers(&self.group).find(|header| header.seq == Seq(seq))?;
        header.name.filter(|_| header.is_message).map(|name| name.sender)
    }

    /// What the stored marks say.
    fn counts(&self, seq: u64) -> (u32, u32) {
        let author = self.author(seq);
        let store = &self.world.store;
        let others = self.users.into_iter().filter(|user| Some(*user) != author);
        let saw = others.filter(|user| {
            let spans = store.member(&self.group, *user).into_iter().flat_map(|member| &member.spans);
            spans.into_iter().any(|span| span.joined.0 <= seq && span.left.is_none_or(|left| seq < left.0))
        });
        saw.map(|user| store.marks(&self.group, user)).fold((0, 0), |(delivered, read), marks| {
            (delivered + u32::from(marks.0.0 >= seq), read + u32::from(marks.1.0 >= seq))
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn counts_are_those_of_the_stored_marks(steps in proptest::collection::vec(step(), 1..60)) {
        let mut team = Team::new();
        for (number, step) in steps.iter().enumerate() {
            team.act(number, step);
        }
        team.rest();
        let head = team.world.store.headers(&team.group).count() as u64;
        for seq in 1..=head {
            let Some(author) = team.author(seq) else { continue };
            let member = team.world.store.member(&team.group, author).unwrap();
            if member.spans.last().unwrap().left.is_none() {
                let told = team.told.get(&seq).copied().unwrap_or_default();
                prop_assert_eq!(told, team.counts(seq), "at {}", seq);
            }
        }
    }
}
