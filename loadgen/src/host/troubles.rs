//! What goes wrong on a machine beside the program: packets sent again or thrown away, CPU that a hypervisor kept. Kernel
//! counters are the whole machine's (its network namespace's), so the server's troubles are among them when it is here too.

use std::fs;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counters of the kernel, or the differences of two looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Troubles {
    /// TCP segments sent.
    pub segments: u64,
    /// TCP segments sent again.
    pub retransmitted: u64,
    /// Connections that found a listener's queue full.
    pub listen_overflows: u64,
    /// Segments thrown away for want of room in a socket's queue.
    pub queue_drops: u64,
    /// CPU time of all cores, in ticks.
    pub cpu_ticks: u64,
    /// Of this: kept by the hypervisor.
    pub stolen_ticks: u64,
}

impl Troubles {
    /// The counters now; 0 where they cannot be read.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self::parse(&read("/proc/net/snmp"), &read("/proc/net/netstat"), &read("/proc/stat"))
    }

    fn parse(snmp: &str, netstat: &str, stat: &str) -> Self {
        let extra = |key| table_value(netstat, "TcpExt:", key);
        let ticks = cpu_ticks(stat);
        Self {
            segments: table_value(snmp, "Tcp:", "OutSegs"),
            retransmitted: table_value(snmp, "Tcp:", "RetransSegs"),
            listen_overflows: extra("ListenOverflows"),
            queue_drops: extra("TCPBacklogDrop") + extra("TCPRcvQDrop"),
            // The last two fields are guests, whose time is in the first ones already.
            cpu_ticks: ticks.iter().take(8).sum(),
            stolen_ticks: ticks.get(7).copied().unwrap_or(0),
        }
    }

    /// What happened since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        self.with(earlier, u64::saturating_sub)
    }

    /// The greater of each figure: of two looks at one machine, or of the machine with more of it.
    #[must_use]
    pub fn worst(&self, other: &Self) -> Self {
        self.with(other, Ord::max)
    }

    /// Segments sent again, of those sent.
    #[must_use]
    pub fn retransmitted_share(&self) -> f64 {
        self.retransmitted as f64 / self.segments.max(1) as f64
    }

    /// CPU that the hypervisor kept, of all.
    #[must_use]
    pub fn stolen_share(&self) -> f64 {
        self.stolen_ticks as f64 / self.cpu_ticks.max(1) as f64
    }

    fn with(&self, other: &Self, combine: fn(u64, u64) -> u64) -> Self {
        Self {
            segments: combine(self.segments, other.segments),
            retransmitted: combine(self.retransmitted, other.retransmitted),
            listen_overflows: combine(self.listen_overflows, other.listen_overflows),
            queue_drops: combine(self.queue_drops, other.queue_drops),
            cpu_ticks: combine(self.cpu_ticks, other.cpu_ticks),
            stolen_ticks: combine(self.stolen_ticks, other.stolen_ticks),
        }
    }
}

/// A value of `/proc/net/snmp` or `netstat`: a line of names and a line of values for each protocol.
fn table_value(text: &str, protocol: &str, key: &str) -> u64 {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(protocol));
    let (Some(names), Some(values)) = (lines.next(), lines.next()) else {
        return 0;
    };
    let mut pairs = names.split_ascii_whitespace().zip(values.split_ascii_whitespace());
    pairs.find_map(|(name, value)| (name == key).then(|| value.parse().ok())?).unwrap_or(0)
}

fn cpu_ticks(stat: &str) -> Vec<u64> {
    let all = stat.lines().find_map(|line| line.strip_prefix("cpu "));
    all.into_iter().flat_map(str::split_ascii_whitespace).map_while(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNMP: &str = "Ip: Forwarding OutSegs\nIp: 1 99\nTcp: RtoMin OutSegs RetransSegs\nTcp: 200 1000 5\n";
    const NETSTAT: &str =
        "TcpExt: ListenOverflows TCPBacklogDrop TCPRcvQDrop\nTcpExt: 3 2 1\nIpExt: InOctets\nIpExt: 5\n";
    const STAT: &str = "cpu  10 0 20 60 0 0 0 10 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n";

    #[test]
    fn each_figure_is_found_by_its_name() {
        let troubles = Troubles::parse(SNMP, NETSTAT, STAT);
        let expected = Troubles {
            segments: 1_000,
            retransmitted: 5,
            listen_overflows: 3,
            queue_drops: 3,
            cpu_ticks: 100,
            stolen_ticks: 10,
        };
        assert_eq!(troubles, expected);
        assert_eq!((troubles.retransmitted_share(), troubles.stolen_share()), (0.005, 0.1));
    }

    #[test]
    fn what_cannot_be_read_is_no_trouble() {
        assert_eq!(Troubles::parse("", "Tcp", "cpu x"), Troubles::default());
        assert_eq!(Troubles::default().stolen_share(), 0.0);
    }

    #[test]
    fn this_machine_sends_segments_and_has_ticks() {
        let now = Troubles::of_this_machine();
        assert!(now.cpu_ticks > 0);
        assert_eq!(now.since(&now), Troubles::default());
    }
}
