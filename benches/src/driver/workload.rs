//! What is measured: closed loops of messages, one to one and in groups, and crowds that do nothing.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use hubbub_codec::ids::{Conversation, UserId};
use hubbub_codec::proto::client_frame::Body;
use hubbub_codec::proto::send::To;
use hubbub_codec::proto::server_frame::Body as Reply;
use hubbub_codec::proto::{self, conversation::Kind as ConversationKind};

use super::engine::{ClientKey, Engine};
use super::holders::Holders;
use super::target::Target;
pub use super::users::Placement;
use super::users::Users;

/// Bytes of a message's body.
pub const BODY_BYTES: usize = 150;
/// Where the user ids of idle crowds begin, away from those who talk.
const IDLE_USERS_FROM: u64 = 1_000_000;

/// One measured point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Point {
    /// CPU for each message that its receiver got, one to one.
    Direct {
        /// Where the two users live.
        placement: Placement,
        /// Messages that each sender keeps in flight.
        in_flight: u64,
    },
    /// CPU for each copy in a group, the senders' own copies included.
    Group {
        /// How many members.
        members: usize,
        /// How many of them send, one message in flight each.
        senders: usize,
    },
    /// Resident bytes for each idle connection.
    IdleBytes,
    /// CPU for each second of an idle connection, in nanoseconds.
    IdleCpu,
    /// CPU for the first login of a user.
    FirstLogin,
    /// CPU for a later login, the end of the connection before it included.
    NextLogin,
    /// The load harness's CPU for each message one to one, 8 in flight.
    HarnessDirect,
    /// The server's CPU for each of these messages.
    HarnessServer,
    /// Resident bytes of the load harness for each idle client.
    HarnessBytes,
    /// Time of a scrape of the metrics, half of them.
    ScrapeMedian,
    /// Time of the slowest scrape.
    ScrapeSlowest,
    /// What one scrape a second uses of a core.
    ScrapeCpu,
}

impl Point {
    /// Whether it is about the load harness or the metrics, which no floor stands beside.
    #[must_use]
    pub fn is_beside(&self) -> bool {
        use Point::*;
        matches!(self, HarnessDirect | HarnessServer | HarnessBytes | ScrapeMedian | ScrapeSlowest | ScrapeCpu)
    }

    /// The unit of its value.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        match self {
            Point::IdleBytes | Point::HarnessBytes => "B",
            Point::IdleCpu => "ns/s",
            Point::ScrapeMedian | Point::ScrapeSlowest => "ms",
            Point::ScrapeCpu => "%",
            _ => "µs",
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Point::Direct { placement: Placement::Same, in_flight } => write!(f, "one-to-one, {in_flight} in flight"),
            Point::Direct { placement: Placement::Across, in_flight } => {
                write!(f, "one-to-one across shards, {in_flight} in flight")
            }
            Point::Group { members, senders: 1 } => write!(f, "a copy in a group of {members}, 1 in flight"),
            Point::Group { members, senders } => write!(f, "a copy in a group of {members}, {senders} in flight"),
            Point::IdleBytes => f.write_str("idle connection, memory"),
            Point::IdleCpu => f.write_str("idle connection, CPU"),
            Point::FirstLogin => f.write_str("first login"),
            Point::NextLogin => f.write_str("later login"),
            Point::HarnessDirect => f.write_str("harness, one-to-one, 8 in flight"),
            Point::HarnessServer => f.write_str("server under the harness"),
            Point::HarnessBytes => f.write_str("harness, idle client, memory"),
            Point::ScrapeMedian => f.write_str("scrape of the metrics, median"),
            Point::ScrapeSlowest => f.write_str("scrape of the metrics, slowest"),
            Point::ScrapeCpu => f.write_str("a scrape a second, of a core"),
        }
    }
}

/// What one point gave.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// In [`Point::unit`]s.
    pub value: f64,
    /// Deliveries (or logins) a second; 0 where it means nothing.
    pub rate: f64,
    /// CPUs that the process kept busy.
    pub cpus: f64,
}

/// How long a point is measured.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Before the measurement.
    pub warm_up: Duration,
    /// The measurement.
    pub window: Duration,
}

/// What a workload reports to.
pub type Record<'a> = &'a mut dyn FnMut(Point, Sample);

/// Measures `pairs` pairs at each number of messages in flight.
///
/// # Errors
/// The target refused something, or a message was lost or doubled.
pub fn direct(
    target: &Target,
    placement: Placement,
    pairs: usize,
    in_flight: &[u64],
    times: Times,
    record: Record<'_>,
) -> anyhow::Result<()> {
    let mut users = Users::new(if placement == Placement::Same { 1 } else { 100_000 }, target.threads);
    let pairs: Vec<(u64, u64)> = (0..pairs).map(|n| users.pair(n, placement)).collect();
    let mut engine = Engine::new(target.address, 0)?;
    let everybody = pairs.iter().flat_map(|&(sender, receiver)| [sender, receiver]);
    let identities = everybody.map(|user| target.identity(user)).collect::<anyhow::Result<Vec<_>>>()?;
    let keys = engine.open(identities)?;
    for (&(sender, receiver), keys) in pairs.iter().zip(keys.chunks_exact(2)) {
        let conversation = Conversation::direct(UserId(sender), UserId(receiver)).context("a pair of one")?.into();
        engine.assign(keys[0], conversation, Some((To::User(receiver), BODY_BYTES)));
        engine.assign(keys[1], conversation, None);
    }
    // The first messages make the conversations.
    prime(&mut engine, 2)?;
    for &in_flight in in_flight {
        let sample = closed_loop(target, &mut engine, in_flight, times, 2, |counts| counts.0)?;
        record(Point::Direct { placement, in_flight }, sample);
    }
    Ok(())
}

/// Measures a group of `members`, of whom `senders` send with one message in flight each.
///
/// # Errors
/// The target refused something, or a copy was lost or doubled.
pub fn group(target: &Target, members: usize, senders: usize, times: Times, record: Record<'_>) -> anyhow::Result<()> {
    let mut users = Users::new((members * 1_000 + senders * 100_000_000) as u64, target.threads);
    let users: Vec<u64> = (0..members).map(|_| users.any()).collect();
    let identities = users.iter().map(|&user| target.identity(user)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut engine = Engine::new(target.address, 0)?;
    let keys = engine.open(identities)?;
    let group = make_group(&mut engine, keys[0], &users)?;
    let conversation = proto::Conversation { kind: Some(ConversationKind::Group(group)) };
    if target.kind.is_server() {
        // The entry that says the group was made.
        engine.wait_received(1)?;
    }
    for (n, &key) in keys.iter().enumerate() {
        engine.assign(key, conversation, (n < senders).then_some((To::Group(group), BODY_BYTES)));
    }
    prime(&mut engine, members as u64)?;
    let sample = closed_loop(target, &mut engine, 1, times, members as u64, |counts| counts.0 + counts.1)?;
    record(Point::Group { members, senders }, sample);
    Ok(())
}

fn make_group(engine: &mut Engine, owner: ClientKey, users: &[u64]) -> anyhow::Result<u64> {
    let name = proto::MessageName { client_message_id: (&b"make"[..]).into(), ..Default::default() };
    let members = users[1..].to_vec();
    let create = proto::CreateGroup { name: Some(name), title: "bench".to_owned(), members, settings: None };
    match engine.request(owner, Body::CreateGroup(create))? {
        Reply::Group(group) => Ok(group.group),
        other => anyhow::bail!("not a group: {other:?}"),
    }
}

/// One message from every sender, received by everybody.
fn prime(engine: &mut Engine, copies: u64) -> anyhow::Result<()> {
    let before = engine.counts();
    engine.set_in_flight(1);
    engine.settle(before, copies)
}

/// Runs the loops and charges the target's CPU to what `count` takes of (delivered, own) copies.
fn closed_loop(
    target: &Target,
    engine: &mut Engine,
    in_flight: u64,
    times: Times,
    copies: u64,
    count: impl Fn((u64, u64)) -> u64,
) -> anyhow::Result<Sample> {
    let begun = engine.counts();
    engine.set_in_flight(in_flight);
    engine.run(times.warm_up)?;
    let (before, used_before) = (engine.counts(), target.used()?);
    engine.run(times.window)?;
    let (after, used_after) = (engine.counts(), target.used()?);
    engine.settle(begun, copies)?;
    let delivered = count((after.delivered - before.delivered, after.own - before.own));
    ensure!(delivered > 0, "nothing was delivered");
    let cpu_us = used_after.cpu_us_since(&used_before);
    let seconds = used_after.wall_since(&used_before).as_secs_f64();
    Ok(Sample { value: cpu_us / delivered as f64, rate: delivered as f64 / seconds, cpus: cpu_us / 1e6 / seconds })
}

/// How large idle crowds are.
#[derive(Clone, Copy, Debug)]
pub struct Crowds {
    /// The smaller one.
    pub small: usize,
    /// The larger one.
    pub large: usize,
    /// How long nothing happens.
    pub idle: Duration,
}

/// After a change of the crowd, until the allocator and the kernel have come to rest.
const REST: Duration = Duration::from_secs(2);

/// Measures idle connections: memory as the slope between two crowds, CPU for doing nothing, and CPU for logins.
///
/// # Errors
/// A connection was refused.
pub fn idle(target: &Target, crowds: Crowds, record: Record<'_>) -> anyhow::Result<()> {
    let mut holders = Holders::start(target, IDLE_USERS_FROM)?;
    let added = (crowds.large - crowds.small) as f64;
    let mut login = |holders: &mut Holders, point: Point| -> anyhow::Result<(f64, f64)> {
        holders.hold(crowds.small)?;
        std::thread::sleep(REST);
        let before = target.used()?;
        holders.hold(crowds.large)?;
        let after = target.used()?;
        let cpu_us = after.cpu_us_since(&before);
        let seconds = after.wall_since(&before).as_secs_f64();
        record(point, Sample { value: cpu_us / added, rate: added / seconds, cpus: cpu_us / 1e6 / seconds });
        std::thread::sleep(REST);
        Ok((before.rss_bytes as f64, target.used()?.rss_bytes as f64))
    };
    let (small, large) = login(&mut holders, Point::FirstLogin)?;
    let before = target.used()?;
    std::thread::sleep(crowds.idle);
    let after = target.used()?;
    login(&mut holders, Point::NextLogin)?;

    let bytes = Sample { value: (large - small) / added, rate: 0.0, cpus: 0.0 };
    record(Point::IdleBytes, bytes);
    let seconds = after.wall_since(&before).as_secs_f64();
    let cpu_us = after.cpu_us_since(&before);
    let value = cpu_us * 1e3 / seconds / crowds.large as f64;
    record(Point::IdleCpu, Sample { value, rate: 0.0, cpus: cpu_us / 1e6 / seconds });
    Ok(())
}
