//! Sends, reads and reconnects by the schedule; and the closed loop, where acknowledgements are the schedule.
//!
//! Promises: the intended time of an open-loop send comes from the seed alone. What cannot be sent (the user is away on
//! purpose, the session's queue is full) is counted and never moved to another time.

use hubbub_codec::ids::{Seq, UserId};

use super::client::{Client, Link, Membership, PendingSend, UNTIL_RECALLED};
use super::groups::GroupMaking;
use super::peer::Destination;
use super::plan::Plan;
use super::thread::{Conversation, Thread};
use super::timers::Due;
use crate::body::{self, Header};
use crate::clock::{as_duration, seconds_us};
use crate::distributions::BodyLengths;
use crate::ledger::slot::MessageName;
use crate::population::{Kind, Share};
use crate::schedule::{Arrival, Pace, Stream, StreamKind, choose, draw, exponential};

/// A stream and its next arrival.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    stream: Stream,
    pub(super) next: Option<Arrival>,
}

impl Source {
    fn new(kind: StreamKind, name: u64) -> Self {
        Self { stream: Stream::new(kind, name), next: None }
    }
}

/// The schedule of a thread.
pub(super) struct Traffic {
    /// One for each client; none when there is nothing to do. So are the others.
    pub(super) direct: Box<[Source]>,
    /// One for each conversation; those of direct ones never run.
    pub(super) group: Box<[Source]>,
    /// One for each client.
    churn: Box<[Source]>,
    /// Who comes and goes.
    churners: Share,
    body_lengths: BodyLengths,
    direct_pace: Pace,
    group_pace: Pace,
    churn_pace: Pace,
    direct_in_flight: u32,
    group_in_flight: u32,
    /// Closed loop: sends so far; chooses senders and conversations.
    loop_sends: u64,
    pub(super) running: bool,
    /// Groups that are being made.
    pub(super) making: GroupMaking,
}

impl Traffic {
    pub(super) fn new(plan: &Plan, first_client: u32, clients: &[Client], conversations: &[Conversation]) -> Self {
        let scenario = &plan.scenario;
        let (direct, group, churn) = (scenario.direct.as_ref(), scenario.group.as_ref(), scenario.churn.as_ref());
        let pace = |per_second: Option<f64>| Pace {
            seed: plan.seed,
            arrivals: scenario.arrivals,
            per_second: per_second.unwrap_or(0.0),
            ramp_us: plan.ramp_us(),
            end_us: plan.traffic_us(),
        };
        let of_clients = |kind, wanted| -> Box<[Source]> {
            let numbers = (first_client..).zip(clients).filter(|_| wanted);
            numbers.map(|(number, _)| Source::new(kind, number.into())).collect()
        };
        let groups = conversations.iter().filter(|_| group.is_some());
        Self {
            direct: of_clients(StreamKind::Direct, direct.is_some()),
            group: groups.map(|conversation| Source::new(StreamKind::Group, conversation.key.into())).collect(),
            churn: of_clients(StreamKind::Churn, churn.is_some()),
            churners: Share::new(plan.seed, StreamKind::Churners, churn.map_or(0.0, |churn| churn.share)),
            body_lengths: BodyLengths::from(&scenario.body),
            // With one sender for each pair, it sends for two.
            direct_pace: pace(
                direct.map(|direct| direct.messages_per_second_per_client * if direct.one_way { 2.0 } else { 1.0 }),
            ),
            group_pace: pace(group.map(|group| group.messages_per_second_per_group)),
            churn_pace: pace(churn.map(|churn| churn.reconnects_per_minute_per_client / 60.0)),
            direct_in_flight: direct.map_or(0, |direct| direct.in_flight),
            group_in_flight: group.map_or(0, |group| group.in_flight),
            loop_sends: 0,
            running: false,
            making: GroupMaking::default(),
        }
    }

    pub(super) fn stop(&mut self) {
        self.running = false;
    }
}

impl Thread {
    pub(super) fn begin_traffic(&mut self, start_us: u64) {
        self.traffic.running = true;
        for index in 0..self.clients.len() as u32 {
            if !self.clients[index as usize].speaks.is_empty() && self.traffic.direct_in_flight == 0 {
                self.schedule(Due::Direct(index), start_us);
            }
            if self.traffic.churners.has(self.first_client + index) {
                self.schedule(Due::Churn(index), start_us);
            }
            self.begin_direct_loop(index, start_us);
        }
        for at in 0..self.conversations.len() as u32 {
            match (self.conversations[at as usize].kind, self.traffic.group_in_flight) {
                (Kind::Direct, _) => {}
                (Kind::Group, 0) => self.schedule(Due::Group(at), start_us),
                (Kind::Group, in_flight) => (0..in_flight).for_each(|_| self.send_in_group_loop(at, start_us)),
            }
        }
    }

    /// Puts the next arrival of a stream among what is due.
    fn schedule(&mut self, due: Due, start_us: u64) {
        let traffic = &mut self.traffic;
        let (source, pace) = match due {
            Due::Direct(index) => (&mut traffic.direct[index as usize], &traffic.direct_pace),
            Due::Group(index) => (&mut traffic.group[index as usize], &traffic.group_pace),
            Due::Churn(index) => (&mut traffic.churn[index as usize], &traffic.churn_pace),
            _ => return,
        };
        let before_us = source.next.map_or(0, |arrival| arrival.at_us);
        source.next = source.stream.next(pace);
        if let Some(arrival) = source.next {
            self.timers.add(start_us + arrival.at_us, due);
            self.schedule_typing(due, arrival, before_us, start_us);
        }
    }

    pub(super) fn fire_direct(&mut self, index: u32, now_us: u64) {
        let Some(arrival) = self.traffic.direct[index as usize].next.filter(|_| self.traffic.running) else {
            return;
        };
        let speaks = &self.clients[index as usize].speaks;
        let Membership { conversation, member } = speaks[choose(arrival.choice, speaks.len())];
        let body_bytes = self.scheduled_body_bytes(&self.traffic.direct[index as usize].stream);
        self.send_scheduled(conversation, member, self.start_us + arrival.at_us, body_bytes, now_us);
        self.schedule(Due::Direct(index), self.start_us);
    }

    pub(super) fn fire_group(&mut self, at: u32, now_us: u64) {
        let Some(arrival) = self.traffic.group[at as usize].next.filter(|_| self.traffic.running) else {
            return;
        };
        let member = choose(arrival.choice, self.conversations[at as usize].members.len()) as u32;
        let body_bytes = self.scheduled_body_bytes(&self.traffic.group[at as usize].stream);
        self.send_scheduled(at, member, self.start_us + arrival.at_us, body_bytes, now_us);
        self.schedule(Due::Group(at), self.start_us);
    }

    fn scheduled_body_bytes(&self, stream: &Stream) -> usize {
        self.traffic.body_lengths.at(|| stream.size_draws(self.plan.seed))
    }

    /// Without a schedule, the size of a message follows from its name.
    fn unscheduled_body_bytes(&self, at: u32, member: u32) -> usize {
        let conversation = &self.conversations[at as usize];
        let counter = conversation.ledger.as_ref().map_or(0, |ledger| ledger.next_counter(member));
        let message = u64::from(member) << 32 | u64::from(counter);
        let draw =
            |part| draw(self.plan.seed, [conversation.key.into(), message, (StreamKind::Sizes as u64) << 32 | part]);
        self.traffic.body_lengths.at(|| [draw(1), draw(2)])
    }

    fn send_scheduled(&mut self, at: u32, member: u32, intended_us: u64, body_bytes: usize, now_us: u64) {
        self.meters.counts.offered += 1;
        let index = self.conversations[at as usize].members[member as usize];
        if self.clients[index as usize].is_away() {
            self.meters.counts.skipped_away += 1;
            return;
        }
        self.meters.note_slip(intended_us, now_us);
        self.send_sized(at, member, intended_us, body_bytes, now_us);
    }

    /// Sends a message outside of the schedule.
    pub(super) fn send(&mut self, at: u32, member: u32, now_us: u64) {
        let body_bytes = self.unscheduled_body_bytes(at, member);
        self.send_sized(at, member, now_us, body_bytes, now_us);
    }

    /// Sends a message; it is written at the end of the turn.
    fn send_sized(&mut self, at: u32, member: u32, intended_us: u64, body_bytes: usize, now_us: u64) {
        let conversation = &mut self.conversations[at as usize];
        let index = conversation.members[member as usize];
        let Some(ledger) = &mut conversation.ledger else {
            return;
        };
        let message = MessageName { sender: member, counter: ledger.next_counter(member) };
        let header = Header {
            run_id: self.plan.run_id,
            conversation: conversation.key.into(),
            sender: member,
            counter: message.counter,
            intended_us,
        };
        let to = Destination {
            key: header.conversation,
            name: conversation.name,
            user: UserId(self.plan.first_user + u64::from(self.devices.user_of(self.first_client + index))),
        };
        let body = body::encode(&header, body_bytes);
        let client = &mut self.clients[index as usize];
        match client.session.send(as_duration(now_us), to, body) {
            Ok(id) => {
                ledger.note_send(member);
                let judged = client.link >= Link::LoggedIn;
                client.pending.push_back(PendingSend { id, conversation: at, name: message, intended_us, judged });
            }
            Err(refused) => {
                self.meters.counts.suppressed += 1;
                self.meters.note_error(format!("send: {refused}"));
            }
        }
        self.touched.push(index);
    }

    fn begin_direct_loop(&mut self, index: u32, now_us: u64) {
        for turn in 0..self.traffic.direct_in_flight {
            let speaks = &self.clients[index as usize].speaks;
            if speaks.is_empty() {
                return;
            }
            let Membership { conversation, member } = speaks[turn as usize % speaks.len()];
            self.meters.counts.offered += 1;
            self.send(conversation, member, now_us);
        }
    }

    /// In a closed loop, an answer is what the next send waits for.
    pub(super) fn send_next_of_loop(&mut self, index: u32, at: u32, now_us: u64) {
        if !self.traffic.running {
            return;
        }
        match self.conversations[at as usize].kind {
            Kind::Direct if self.traffic.direct_in_flight > 0 => {
                let speaks = &self.clients[index as usize].speaks;
                if let Some(member) = speaks.iter().find(|place| place.conversation == at).map(|place| place.member) {
                    self.meters.counts.offered += 1;
                    self.send(at, member, now_us);
                }
            }
            Kind::Group if self.traffic.group_in_flight > 0 => self.send_in_group_loop(at, now_us),
            Kind::Direct | Kind::Group => {}
        }
    }

    fn send_in_group_loop(&mut self, at: u32, now_us: u64) {
        let conversation = &self.conversations[at as usize];
        let name = [conversation.key.into(), self.traffic.loop_sends, StreamKind::Group as u64];
        let member = choose(draw(self.plan.seed, name), conversation.members.len()) as u32;
        self.traffic.loop_sends += 1;
        self.meters.counts.offered += 1;
        self.send(at, member, now_us);
    }

    pub(super) fn fire_churn(&mut self, index: u32, now_us: u64) {
        let Some(arrival) = self.traffic.churn[index as usize].next.filter(|_| self.traffic.running) else {
            return;
        };
        let away_s = self.plan.scenario.churn.as_ref().map_or(0.0, |churn| churn.away_s);
        let client = &mut self.clients[index as usize];
        if client.link == Link::Synced {
            // At least a moment: 0 means "not away".
            let away_us = 1_u64.saturating_add(seconds_us(away_s * exponential(arrival.extra)));
            client.away_until_us = now_us.saturating_add(away_us).min(UNTIL_RECALLED);
            client.wire.shut_down();
            self.meters.counts.churned += 1;
        }
        self.schedule(Due::Churn(index), self.start_us);
    }

    pub(super) fn fire_read(&mut self, index: u32, now_us: u64) {
        let client = &mut self.clients[index as usize];
        let looked_at = client.looks_at.take();
        let Some(session) = client.session.hubbub_mut() else {
            return self.meters.note_not_driven("read marks", 1);
        };
        let Some(name) = looked_at.and_then(|at| self.conversations[at as usize].name) else {
            return;
        };
        let seq = session.cursor(&name).map_or(Seq(0), |(_, seq)| seq);
        if session.read(as_duration(now_us), &name, seq).is_ok() {
            self.meters.counts.reads += 1;
        }
        self.touched.push(index);
    }
}
