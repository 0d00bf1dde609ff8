//! Flags that change the load of a scenario.

use clap::Args;

use super::times::parse_seconds;
use crate::population::{self, Devices};
use crate::scenario::{Arrivals, BodySizes, Scenario};

/// On top of a scenario.
#[derive(Debug, Clone, Default, Args)]
pub struct LoadArgs {
    /// Clients: devices with one session and one connection each.
    #[arg(long, short = 'n', value_name = "N")]
    pub clients: Option<u32>,

    /// The measured phase, such as `20s`, `1.5m`, `500ms`.
    #[arg(long, short = 'd', value_parser = parse_seconds, value_name = "TIME")]
    pub duration: Option<f64>,

    /// Before the measured phase: the rate rises from 0 to its full value. Not measured.
    #[arg(long, alias = "warmup", value_parser = parse_seconds, value_name = "TIME")]
    pub ramp: Option<f64>,

    /// After it: the longest wait for the ledger to close.
    #[arg(long, value_parser = parse_seconds, value_name = "TIME")]
    pub drain: Option<f64>,

    /// Messages per second, in total: one-to-one where the scenario has them, else to groups.
    #[arg(long, value_name = "PER_SECOND")]
    pub rate: Option<f64>,

    /// Messages per second to groups, in total.
    #[arg(long, value_name = "PER_SECOND")]
    pub group_rate: Option<f64>,

    /// Users of each group; where sizes differ, of the largest that can be.
    #[arg(long, value_name = "M")]
    pub members: Option<u32>,

    /// Groups in total.
    #[arg(long, value_name = "G")]
    pub groups: Option<u32>,

    /// One-to-one conversations of each user.
    #[arg(long, value_name = "C")]
    pub contacts: Option<u32>,

    /// Closed loop: each sender (or group) keeps K messages unacknowledged, up to 64. Measures unit costs, not latency.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub in_flight: Option<u32>,

    /// Only one user of each pair sends.
    #[arg(long)]
    pub one_way: bool,

    /// Bytes of each message, at least 40.
    #[arg(long, value_name = "BYTES")]
    pub payload_bytes: Option<u32>,

    /// Clients of each user: 1.5 gives every other user a second device.
    #[arg(long, value_name = "D")]
    pub devices_per_user: Option<f64>,

    /// Of the users, 0 to 1: the others log in once, are written to, and stay away.
    #[arg(long, value_name = "SHARE")]
    pub online_share: Option<f64>,

    /// How sends are spread over time.
    #[arg(long, value_enum)]
    pub arrivals: Option<Arrivals>,

    /// Logins per second, in total.
    #[arg(long, value_name = "PER_SECOND")]
    pub connect_rate: Option<f64>,
}

impl LoadArgs {
    /// The scenario `name` (built in, or a file) with the flags on top.
    ///
    /// # Errors
    /// When the scenario cannot be read, a flag does not fit it, or the result cannot be run.
    pub fn scenario(&self, name: &str) -> anyhow::Result<Scenario> {
        let mut scenario = Scenario::load(name)?;
        set(&mut scenario.clients, self.clients);
        set(&mut scenario.duration_s, self.duration);
        set(&mut scenario.ramp_s, self.ramp);
        set(&mut scenario.drain_s, self.drain);
        set(&mut scenario.body, self.payload_bytes.map(BodySizes::Fixed));
        set(&mut scenario.arrivals, self.arrivals);
        set(&mut scenario.people.devices_per_user, self.devices_per_user);
        set(&mut scenario.people.online_share, self.online_share);
        set(&mut scenario.connect.logins_per_second, self.connect_rate);
        self.apply_to_direct(&mut scenario)?;
        self.apply_to_group(&mut scenario)?;
        scenario.validate()?;
        Ok(scenario)
    }

    fn apply_to_direct(&self, scenario: &mut Scenario) -> anyhow::Result<()> {
        let senders = population::senders(scenario).max(1.0);
        let Some(direct) = &mut scenario.direct else {
            let unfit = self.contacts.is_some() || self.one_way;
            anyhow::ensure!(!unfit, "--contacts and --one-way need a scenario with one-to-one messages");
            return Ok(());
        };
        set(&mut direct.contacts, self.contacts);
        set(&mut direct.in_flight, self.in_flight);
        set(&mut direct.messages_per_second_per_client, self.rate.map(|rate| rate / senders));
        direct.one_way |= self.one_way;
        Ok(())
    }

    fn apply_to_group(&self, scenario: &mut Scenario) -> anyhow::Result<()> {
        let has_direct = scenario.direct.is_some();
        let users = f64::from(Devices::of(scenario).users().max(1));
        let Some(group) = &mut scenario.group else {
            let unfit = self.members.is_some() || self.groups.is_some() || self.group_rate.is_some();
            anyhow::ensure!(!unfit, "--members, --groups and --group-rate need a scenario with groups");
            let unfit = !has_direct && (self.rate.is_some() || self.in_flight.is_some());
            anyhow::ensure!(!unfit, "--rate and --in-flight need a scenario with messages");
            return Ok(());
        };
        set(&mut group.members, self.members);
        // Nothing is counted in a population that cannot be.
        scenario.validate()?;
        let Some(group) = &mut scenario.group else {
            return Ok(());
        };
        let members = population::members_mean(group);
        set(&mut group.groups_per_client, self.groups.map(|groups| f64::from(groups) * members / users));
        if !has_direct {
            set(&mut group.in_flight, self.in_flight);
        }
        let rate = self.group_rate.or(self.rate.filter(|_| !has_direct));
        let groups = population::groups(scenario).max(1) as f64;
        if let Some(group) = &mut scenario.group {
            set(&mut group.messages_per_second_per_group, rate.map(|rate| rate / groups));
        }
        Ok(())
    }
}

fn set<T>(field: &mut T, flag: Option<T>) {
    if let Some(flag) = flag {
        *field = flag;
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn scenario(words: &str) -> anyhow::Result<Scenario> {
        let cli = Cli::try_parse_from(["hubbub-load", "run"].into_iter().chain(words.split(' ')))?;
        match cli.command {
            Command::Run(arguments) => arguments.load.scenario(&arguments.scenario),
            _ => unreachable!("the words begin with run"),
        }
    }

    #[test]
    fn rates_are_totals_and_counts_are_kept() {
        let direct = scenario("direct -n 500 --rate 1000 -d 1.5m").unwrap();
        assert_eq!((direct.direct.unwrap().messages_per_second_per_client, direct.duration_s), (2.0, 90.0));
        let group = scenario("group -n 1000 --members 250 --groups 8 --rate 40").unwrap().group.unwrap();
        assert_eq!((group.groups_per_client, group.messages_per_second_per_group), (2.0, 5.0));
    }

    #[test]
    fn totals_are_of_those_who_are_there() {
        let away = scenario("direct -n 500 --rate 1000 --online-share 0.5").unwrap();
        assert_eq!(away.direct.unwrap().messages_per_second_per_client, 4.0);
        let devices = scenario("group -n 1000 --devices-per-user 2 --members 100 --groups 10 --rate 40").unwrap();
        let group = devices.group.unwrap();
        assert_eq!((group.groups_per_client, group.messages_per_second_per_group), (2.0, 4.0));
    }

    #[test]
    fn flags_that_do_not_fit_the_scenario_are_refused() {
        for words in ["direct --members 10", "idle --rate 5", "group --one-way", "group -n 50", "idle --in-flight 2"] {
            assert!(scenario(words).is_err(), "{words}");
        }
    }
}
