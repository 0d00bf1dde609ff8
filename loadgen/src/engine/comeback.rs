//! Who is away from the start, the return of all of them, and the storm: everything that brings many clients back at
//! once. Each is measured from its own moment: when its connection dropped, or when the scenario let it come.
//!
//! Promises: nothing of the generator paces a comeback.

use std::ops::Range;

use super::client::{FOR_GOOD, Link, UNTIL_RECALLED};
use super::meters::Meters;
use super::thread::Thread;
use super::timers::Due;
use crate::clock::seconds_us;
use crate::population::{self, Share};
use crate::scenario::{Offline, Storm};
use crate::schedule::StreamKind;

/// Why many come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comeback {
    /// Their connections dropped.
    Storm,
    /// They were away from the start.
    Offline,
}

/// Deliveries to those whom a storm does not touch.
#[derive(Debug, Clone)]
pub(super) struct StormWatch {
    dropping: Share,
    /// Intended times of messages before it.
    before_us: Range<u64>,
    /// Intended times of messages under it.
    under_us: Range<u64>,
}

impl Thread {
    /// Sends away who is not there during the traffic; false until all of them are gone.
    pub(super) fn send_away(&mut self) -> bool {
        let online = population::online(&self.plan.scenario, self.plan.seed);
        let until_us = if self.plan.scenario.offline.is_some() { UNTIL_RECALLED } else { FOR_GOOD };
        let mut are_gone = true;
        for index in 0..self.clients.len() as u32 {
            if online.has(self.devices.user_of(self.client_number(index))) {
                continue;
            }
            let client = &mut self.clients[index as usize];
            if client.away_until_us < UNTIL_RECALLED {
                client.away_until_us = until_us;
                client.wire.shut_down();
                self.meters.counts.absent += u64::from(until_us == FOR_GOOD);
            }
            are_gone &= client.link == Link::Down;
        }
        are_gone
    }

    /// Plans what brings many back, from the start of the measured phase on.
    pub(super) fn begin_comebacks(&mut self, steady_us: u64) {
        if let Some(storm) = self.plan.scenario.storm.clone() {
            self.begin_storm(&storm, steady_us);
        }
        if let Some(offline) = self.plan.scenario.offline.clone() {
            self.plan_return(&offline, steady_us);
        }
    }

    fn begin_storm(&mut self, storm: &Storm, steady_us: u64) {
        let at_us = steady_us + seconds_us(storm.at_s);
        self.storm = Some(StormWatch {
            dropping: Share::new(self.plan.seed, StreamKind::Storm, storm.share),
            before_us: steady_us..at_us,
            under_us: at_us..at_us + seconds_us(storm.watch_s),
        });
        self.timers.add(at_us, Due::Storm);
    }

    fn plan_return(&mut self, offline: &Offline, steady_us: u64) {
        let begin_us = steady_us + seconds_us(offline.return_at_s);
        let over_us = seconds_us(offline.return_over_s);
        let clients = self.clients.iter_mut().filter(|client| client.away_until_us == UNTIL_RECALLED);
        let returning: Vec<_> = clients.collect();
        let count = (returning.len() as u64).max(1);
        self.meters.counts.returned += returning.len() as u64;
        for (place, client) in (0..).zip(returning) {
            client.away_until_us = begin_us + over_us * place / count;
            client.comeback = Some((Comeback::Offline, client.away_until_us));
        }
        self.pacer.lift();
        self.pacer.recall();
    }

    pub(super) fn fire_storm(&mut self, at_us: u64) {
        let Some(storm) = self.storm.as_ref().filter(|_| self.traffic.running) else {
            return;
        };
        let dropping = storm.dropping;
        self.pacer.lift();
        for index in 0..self.clients.len() as u32 {
            let has_connection = self.clients[index as usize].link > Link::Down;
            if has_connection && dropping.has(self.client_number(index)) {
                let client = &mut self.clients[index as usize];
                client.comeback = Some((Comeback::Storm, at_us));
                client.wire.shut_down();
                self.meters.counts.dropped += 1;
            }
        }
    }

    /// A delivery to somebody whom the storm does not touch.
    pub(super) fn note_stayed(&mut self, index: u32, intended_us: u64, now_us: u64) {
        let Some(storm) = &self.storm else {
            return;
        };
        if storm.dropping.has(self.first_client + index) {
            return;
        }
        let took_us = now_us.saturating_sub(intended_us);
        if storm.before_us.contains(&intended_us) {
            self.meters.latencies.stayed_before.record(took_us);
        } else if storm.under_us.contains(&intended_us) {
            self.meters.latencies.stayed.record(took_us);
        }
    }

    /// The traffic is over: whoever was still to be brought back comes now. When watchers are to see the truth first,
    /// nobody comes or goes until then.
    pub(super) fn end_comings(&mut self, now_us: u64) {
        let is_frozen = self.plan.settle_us() > 0;
        for client in &mut self.clients {
            let is_due = client.comeback.is_some() && client.away_until_us > now_us;
            if is_frozen && client.is_away() && client.away_until_us != FOR_GOOD && client.link == Link::Down {
                client.away_until_us = UNTIL_RECALLED;
            } else if is_due {
                client.away_until_us = now_us;
                client.comeback = Some((Comeback::Offline, now_us));
            }
        }
        self.pacer.recall();
    }

    /// Brings back everybody who waits for it.
    pub(super) fn call_back(&mut self, now_us: u64) {
        for client in self.clients.iter_mut().filter(|client| client.away_until_us == UNTIL_RECALLED) {
            client.away_until_us = now_us;
        }
        self.pacer.recall();
    }
}

impl Meters {
    pub(super) fn note_comeback_login(&mut self, comeback: Comeback, took_us: u64) {
        self.comebacks(comeback).login.record(took_us);
    }

    pub(super) fn note_comeback(&mut self, comeback: Comeback, took_us: u64) {
        self.comebacks(comeback).synced.record(took_us);
    }

    fn comebacks(&mut self, comeback: Comeback) -> &mut crate::latency::ComebackTimes {
        match comeback {
            Comeback::Storm => &mut self.latencies.storm,
            Comeback::Offline => &mut self.latencies.offline,
        }
    }
}
