//! The loads that unit costs are measured with: each part of the cost grows in some of them while the others stay. Idle
//! loads are held twice as long, as there is little to see in them.

use crate::scenario::{Arrivals, Churn, Direct, Group, Reads, Scenario, ScenarioError};

/// How large the loads are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// The most clients.
    pub clients: u32,
    /// The most copies per second.
    pub copies_per_s: f64,
    /// How long each is held, in seconds.
    pub hold_s: f64,
}

/// A load with its name.
pub type Named = (String, Scenario);

/// Sizes of the groups; two of them tell a send from its copies.
const MEMBERS: [u32; 2] = [10, 40];

/// Parts of the largest load, ascending: memory that was once taken is not given back.
const QUARTERS: [f64; 4] = [0.25, 0.5, 0.75, 1.0];

/// All loads: idle clients of four numbers, logins at two rates, one-to-one messages at four rates, the same with read marks
/// for some and for all of them, two sizes of groups at two rates each.
///
/// # Errors
/// When the built-in scenarios cannot carry them.
pub fn loads(size: &Size) -> Result<Vec<Named>, ScenarioError> {
    let quiet = quiet(size)?;
    let mut loads = Vec::new();
    for part in QUARTERS {
        let clients = even(f64::from(size.clients) * part);
        loads.push((format!("idle-{clients}"), Scenario { clients, duration_s: 2.0 * size.hold_s, ..quiet.clone() }));
    }
    for part in [0.5, 1.0] {
        // One login costs as much as several messages.
        let logins_per_s = size.copies_per_s * part / 10.0;
        let churn = Churn {
            reconnects_per_minute_per_client: logins_per_s * 60.0 / f64::from(size.clients),
            away_s: 0.2,
            share: 1.0,
        };
        loads.push((format!("logins-{logins_per_s:.0}"), Scenario { churn: Some(churn), ..quiet.clone() }));
    }
    for part in QUARTERS {
        let rate = size.copies_per_s * part;
        let direct = direct(rate / f64::from(size.clients));
        loads.push((format!("direct-{rate:.0}"), Scenario { direct: Some(direct), ..quiet.clone() }));
    }
    for share in [0.5, 1.0] {
        let rate = size.copies_per_s / 2.0;
        let direct = Some(direct(rate / f64::from(size.clients)));
        let reads = Some(Reads { share, think_s: 0.1 });
        loads.push((format!("reads-{:.0}", rate * share), Scenario { direct, reads, ..quiet.clone() }));
    }
    for members in MEMBERS {
        for part in [0.5, 1.0] {
            let groups = (f64::from(size.clients) / f64::from(members)).max(1.0);
            let each = size.copies_per_s * part / f64::from(members - 1) / groups;
            let name = format!("group-{members}-{:.0}", size.copies_per_s * part);
            loads.push((name, Scenario { group: Some(group(members, each)), ..quiet.clone() }));
        }
    }
    loads.iter().try_for_each(|(_, scenario)| scenario.validate())?;
    Ok(loads)
}

/// Everybody is there and says nothing.
fn quiet(size: &Size) -> Result<Scenario, ScenarioError> {
    let idle = Scenario::load("idle")?;
    let (clients, arrivals) = (even(f64::from(size.clients)), Arrivals::Poisson);
    Ok(Scenario { clients, arrivals, duration_s: size.hold_s, ramp_s: 1.5, name: "costs".to_owned(), ..idle })
}

fn direct(messages_per_second_per_client: f64) -> Direct {
    Direct { messages_per_second_per_client, contacts: 1, in_flight: 0, one_way: false }
}

fn group(members: u32, messages_per_second_per_group: f64) -> Group {
    Group { members, groups_per_client: 1.0, messages_per_second_per_group, in_flight: 0, zipf: None }
}

fn even(clients: f64) -> u32 {
    ((clients / 2.0).round().max(1.0) as u32) * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_load_can_be_run_and_has_its_own_name() {
        let loads = loads(&Size { clients: 400, copies_per_s: 1_000.0, hold_s: 3.0 }).unwrap();
        let mut names: Vec<_> = loads.iter().map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!((loads.len(), names.len()), (16, 16));
        assert_eq!(loads[0].1.clients, 100);
    }
}
