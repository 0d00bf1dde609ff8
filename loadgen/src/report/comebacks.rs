//! What a result says of those who came back together, and of presence.

use super::format::{bytes, count, number};
use super::result::RunResult;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::SECOND_US;
use crate::engine::report::PresenceCheck;
use crate::latency::{ComebackTimes, Latencies, SIZE_CLASSES, Summary, Times};

/// How those whose connections dropped at one moment came back. `null`: so many never did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Storm {
    /// Connections that dropped.
    pub dropped: u64,
    /// From the drop until half of them were synced, in seconds.
    pub synced_50_s: Option<f64>,
    /// Until 99% were.
    pub synced_99_s: Option<f64>,
    /// Until all were.
    pub synced_all_s: Option<f64>,
    /// Start of connecting to `LoggedIn`, in microseconds.
    pub login_us: Option<Summary>,
    /// Deliveries of messages before the storm to those who stayed, in microseconds.
    pub stayed_before_us: Option<Summary>,
    /// Deliveries of messages within `storm.watch_s` after it to those who stayed, in microseconds.
    pub stayed_delivery_us: Option<Summary>,
    /// The server's CPU in its busiest second from then on: 1 is one core.
    pub server_cpu_cores_peak: Option<f64>,
    /// The server's greatest resident memory from then on.
    pub server_rss_bytes_peak: Option<u64>,
}

/// How those who had been away came back. `null`: so many never did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Offline {
    /// Clients that were brought back.
    pub returned: u64,
    /// From the moment at which each was let back until half of them were synced, in seconds.
    pub synced_50_s: Option<f64>,
    /// Until 99% were.
    pub synced_99_s: Option<f64>,
    /// Until all were.
    pub synced_all_s: Option<f64>,
    /// Start of connecting to `LoggedIn`, in microseconds.
    pub login_us: Option<Summary>,
    /// The server's CPU in its busiest second from then on: 1 is one core.
    pub server_cpu_cores_peak: Option<f64>,
    /// The server's greatest resident memory from then on.
    pub server_rss_bytes_peak: Option<u64>,
}

/// What watchers saw at the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Presence {
    /// Users watched, once for each watcher that was there.
    pub watched: u64,
    /// Of these: seen otherwise than they were, after a wait.
    pub wrong: u64,
    /// How long it took after the traffic until nobody was; with some wrong: how long was waited. In seconds.
    pub settled_s: f64,
}

/// Fan-outs to groups of one class of sizes, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FanoutBySize {
    /// Users of the smallest groups in it.
    pub members_from: u32,
    /// Users of the largest; `null`: no bound.
    pub members_to: Option<u32>,
    /// To the first recipient of each message.
    pub first: Option<Summary>,
    /// To the recipient in the middle.
    pub median: Option<Summary>,
    /// To the last recipient.
    pub last: Option<Summary>,
}

/// The server's busiest second and greatest memory of a time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Peak {
    /// 1 is one core.
    pub cpu_cores: Option<f64>,
    /// Resident memory.
    pub rss_bytes: Option<u64>,
}

impl Storm {
    /// From merged histograms.
    #[must_use]
    pub fn new(dropped: u64, latencies: &Latencies, peak: Peak) -> Self {
        let synced = |share| synced_s(&latencies.storm, dropped, share);
        Self {
            dropped,
            synced_50_s: synced(0.5),
            synced_99_s: synced(0.99),
            synced_all_s: synced(1.0),
            login_us: latencies.storm.login.summary(),
            stayed_before_us: latencies.stayed_before.summary(),
            stayed_delivery_us: latencies.stayed.summary(),
            server_cpu_cores_peak: peak.cpu_cores,
            server_rss_bytes_peak: peak.rss_bytes,
        }
    }
}

impl Offline {
    /// From merged histograms.
    #[must_use]
    pub fn new(returned: u64, latencies: &Latencies, peak: Peak) -> Self {
        let synced = |share| synced_s(&latencies.offline, returned, share);
        Self {
            returned,
            synced_50_s: synced(0.5),
            synced_99_s: synced(0.99),
            synced_all_s: synced(1.0),
            login_us: latencies.offline.login.summary(),
            server_cpu_cores_peak: peak.cpu_cores,
            server_rss_bytes_peak: peak.rss_bytes,
        }
    }
}

/// Lines of a summary: a label and words.
#[must_use]
pub fn lines(result: &RunResult) -> Vec<(&'static str, String)> {
    let peak = |cores: Option<f64>, rss: Option<u64>| match cores.zip(rss) {
        Some((cores, rss)) => format!("; the server's peak: {} cores, {}", number(cores), bytes(rss as f64)),
        None => String::new(),
    };
    let storm = result.storm.as_ref().map(|storm| {
        let times = back_words(storm.synced_50_s, storm.synced_99_s, storm.synced_all_s);
        let peak = peak(storm.server_cpu_cores_peak, storm.server_rss_bytes_peak);
        ("storm", format!("{} connections dropped; synced again: {times}{peak}", count(storm.dropped)))
    });
    let offline = result.offline.as_ref().map(|offline| {
        let times = back_words(offline.synced_50_s, offline.synced_99_s, offline.synced_all_s);
        let peak = peak(offline.server_cpu_cores_peak, offline.server_rss_bytes_peak);
        ("came back", format!("{} clients; synced: {times}{peak}", count(offline.returned)))
    });
    let presence = result.presence.map(|presence| {
        let Presence { watched, wrong, settled_s } = presence;
        let (wrong, watched, waited) = (count(wrong), count(watched), number(settled_s));
        ("truth", format!("{wrong} of {watched} watched users seen wrongly after {waited} s"))
    });
    storm.into_iter().chain(offline).chain(presence).collect()
}

fn back_words(half: Option<f64>, most: Option<f64>, all: Option<f64>) -> String {
    let time = |seconds: Option<f64>| seconds.map_or("never".to_owned(), |seconds| format!("{} s", number(seconds)));
    format!("half after {}, 99% after {}, all after {}", time(half), time(most), time(all))
}

impl From<PresenceCheck> for Presence {
    fn from(check: PresenceCheck) -> Self {
        let PresenceCheck { watched, wrong, settled_us } = check;
        Self { watched, wrong, settled_s: settled_us as f64 / SECOND_US as f64 }
    }
}

impl FanoutBySize {
    /// The sizes in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self.members_to {
            Some(to) => format!("{} to {}", count(self.members_from.into()), count(to.into())),
            None => format!("{} and more", count(self.members_from.into())),
        }
    }

    /// The classes in which there were any.
    #[must_use]
    pub fn all(latencies: &Latencies) -> Vec<Self> {
        let ends = SIZE_CLASSES.iter().skip(1).map(|next| Some(next - 1)).chain([None]);
        let classes = SIZE_CLASSES.iter().zip(ends).zip(&latencies.fanout_by_size);
        let of = |((from, to), times): ((&u32, Option<u32>), &crate::latency::FanoutTimes)| Self {
            members_from: *from,
            members_to: to,
            first: times.first.summary(),
            median: times.median.summary(),
            last: times.last.summary(),
        };
        classes.map(of).filter(|class| class.last.is_some()).collect()
    }
}

/// When this share of `count` clients was synced, if so many ever were.
fn synced_s(times: &ComebackTimes, count: u64, share: f64) -> Option<f64> {
    let (needed, synced) = ((count as f64 * share).ceil() as u64, times.synced.count());
    let at = |times: &Times| times.quantile(needed as f64 / synced as f64).map(|us| us as f64 / SECOND_US as f64);
    (needed > 0 && synced >= needed).then(|| at(&times.synced)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_that_never_came_back_has_no_time() {
        let mut latencies = Latencies::default();
        (1..=80).for_each(|n| latencies.storm.synced.record(n * 10_000));
        let storm = Storm::new(100, &latencies, Peak::default());
        let half = storm.synced_50_s.unwrap();
        assert!((half - 0.5).abs() < 0.01, "the 50th of 100 dropped ones: {half}");
        assert_eq!((storm.synced_99_s, storm.synced_all_s), (None, None));
        let all = Storm::new(80, &latencies, Peak::default()).synced_all_s.unwrap();
        assert!((all - 0.8).abs() < 0.01, "{all}");
        assert_eq!(Storm::new(0, &Latencies::default(), Peak::default()).synced_50_s, None);
    }

    #[test]
    fn fan_outs_are_listed_by_the_sizes_that_there_were() {
        let mut latencies = Latencies::default();
        latencies.fanout_by_size[1].last.record(10);
        latencies.fanout_by_size[4].last.record(20);
        let all = FanoutBySize::all(&latencies);
        let bounds: Vec<_> = all.iter().map(|class| (class.members_from, class.members_to)).collect();
        assert_eq!(bounds, [(10, Some(99)), (10_000, None)]);
    }
}
