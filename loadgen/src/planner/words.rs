//! Plans and costs in words: a table, every formula with its numbers, every assumption.

use std::fmt::Write;

use super::bill::{Amount, Bill};
use super::costs::Costs;
use super::fit::Fit;
use super::kernel::ASSUMED_BYTES;
use super::population::Population;
use crate::report::format::{bytes, number, time_us};

fn micros(fit: &Fit, at: usize) -> String {
    let (cost, margin) = (fit.costs[at] * 1e6, fit.margins[at] * 1e6);
    format!("{} ± {}", time_us(cost), time_us(margin))
}

/// The unit costs, a line each.
#[must_use]
pub fn unit_costs(costs: &Costs) -> Vec<(&'static str, String)> {
    let cpu = &costs.cpu;
    let unknown = || "not measured".to_owned();
    let each = |fit: &Option<Fit>, at: usize| {
        fit.as_ref().map_or_else(unknown, |fit| format!("{} ± {}", bytes(fit.costs[at]), bytes(fit.margins[at])))
    };
    vec![
        ("CPU, the server's own, per second", micros(cpu, 0)),
        ("CPU per idle connection and second", micros(cpu, 1)),
        ("CPU per login", micros(cpu, 2)),
        ("CPU per message sent", micros(cpu, 3)),
        ("CPU per copy delivered", micros(cpu, 4)),
        ("CPU per read mark", micros(cpu, 5)),
        ("memory of the process, without clients", each(&costs.memory, 0)),
        ("memory of the process per idle connection", each(&costs.memory, 1)),
        (
            "memory of the process while messages flow",
            costs.working_bytes.map_or_else(unknown, |working| {
                format!("{}, {} to {}", bytes(working.median), bytes(working.least), bytes(working.most))
            }),
        ),
        (
            "memory of the kernel per connection",
            match costs.kernel_bytes() {
                Some((cost, margin)) => format!("{} ± {}", bytes(cost), bytes(margin)),
                None => format!("{} (assumed)", bytes(ASSUMED_BYTES)),
            },
        ),
        ("bytes to clients per copy", each(&costs.bytes_to_clients, 2)),
        ("bytes from clients per message", each(&costs.bytes_from_clients, 1)),
        (
            "bytes stored per message, write-ahead log included",
            costs.stored_bytes_per_message.map_or_else(unknown, bytes),
        ),
    ]
}

/// How each figure comes about.
pub(super) fn formulas(costs: &Costs, population: &Population, headroom: f64) -> Vec<String> {
    let p = population;
    let (clients, logins) = (p.connections(), p.logins_per_s());
    let (sends, copies) = (p.sends_per_s(), p.copies_per_s());
    let cpu = &costs.cpu.costs;
    let percent = |share: f64| format!("{}%", number(share * 100.0));
    let free = number(1.0 - headroom);
    let kernel = costs.kernel_bytes().map_or(ASSUMED_BYTES, |(cost, _)| cost);
    let mut formulas = vec![
        format!(
            "connections = users × online × devices = {} × {} × {} = {}",
            number(p.users),
            percent(p.online),
            number(p.devices_per_user),
            number(clients)
        ),
        format!(
            "messages/s at the peak = users × messages per user and day / 86,400 × peak factor = {} × {} / 86,400 × {} = {}",
            number(p.users),
            number(p.messages_per_user_day),
            number(p.peak_factor),
            number(sends)
        ),
        format!(
            "copies per message = ((1 − groups) + groups × (members − 1)) × devices + (devices − 1) = {}; copies/s = {}",
            number(p.copies_per_send()),
            number(copies)
        ),
        format!("read marks/s = copies/s × {} = {}", percent(p.read_share), number(p.reads_per_s())),
        format!("logins/s at the peak = users × logins per user and day / 86,400 × peak factor = {}", number(logins)),
        format!(
            "cores = (own {} + connections × {} + logins/s × {} + messages/s × {} + copies/s × {} + reads/s × {}) / {free}",
            time_us(cpu[0] * 1e6),
            time_us(cpu[1] * 1e6),
            time_us(cpu[2] * 1e6),
            time_us(cpu[3] * 1e6),
            time_us(cpu[4] * 1e6),
            time_us(cpu[5] * 1e6)
        ),
    ];
    if let Some(memory) = &costs.memory {
        formulas.push(format!(
            "memory = (own {} + while messages flow {} + connections × ({} in the process + {} in the kernel)) / {free}",
            bytes(memory.costs[0]),
            bytes(costs.working_bytes.unwrap_or_default().median),
            bytes(memory.costs[1]),
            bytes(kernel)
        ));
    }
    if let Some(each) = costs.stored_bytes_per_message {
        formulas.push(format!(
            "disk = users × messages per user and day × {} days × {} / {free}",
            number(p.retention_days),
            bytes(each)
        ));
    }
    formulas.push("nodes = the larger of cores / cores of a node and memory / memory of a node, rounded up".to_owned());
    formulas
}

/// What was taken to be so.
pub(super) fn assumptions(costs: &Costs) -> Vec<String> {
    let environment = &costs.environment;
    let mut assumptions = vec![
        format!(
            "a core of a node does as much as one here ({}, {} cores, kernel {}); the server was {}",
            environment.cpu_model.as_deref().unwrap_or("unknown CPU"),
            environment.cores,
            environment.kernel,
            costs.server.join(", ")
        ),
        "costs add up, and grow in proportion from what was measured; `plan check` shows how far that holds".to_owned(),
        "messages, logins and connections have their peak together; every device gets every copy at the peak, live or on sync".to_owned(),
        "users divide evenly over nodes, and a message costs the same whichever nodes its members are on".to_owned(),
        "typing, presence and history cost nothing, as they have no load of their own".to_owned(),
        "messages are as large as the measured ones (150 bytes); a group's message is stored once".to_owned(),
        "ranges are the 95% intervals of the fitted costs; disk and network have none".to_owned(),
        "page cache, the store's caches beyond those here, compaction's temporary space and replicas are not counted; the headroom is for them too".to_owned(),
    ];
    if costs.kernel_bytes().is_none() {
        assumptions
            .push(format!("kernel memory of a connection was not measured: {} is assumed", bytes(ASSUMED_BYTES)));
    }
    if costs.stored_bytes_per_message.is_none() {
        assumptions.push("stored bytes of a message were not measured: there is no figure for the disk".to_owned());
    } else {
        let words = "what a message takes on disk was measured while it was still in the write-ahead log, before compression and \
                     compaction: the disk's figure is an upper bound";
        assumptions.push(words.to_owned());
    }
    assumptions
}

/// A plan as Markdown; it is also what the terminal shows.
#[must_use]
pub fn markdown(bill: &Bill, costs: &Costs) -> String {
    let range = |amount: &Amount, words: fn(f64) -> String| {
        format!("{} ({} to {})", words(amount.likely), words(amount.low), words(amount.high))
    };
    let unknown = || "not measured".to_owned();
    let population = &bill.population;
    let mut text = format!(
        "# Plan for {} users, {} connections, {} messages/s and {} copies/s at the peak\n\n",
        number(population.users),
        number(population.connections()),
        number(population.sends_per_s()),
        number(population.copies_per_s())
    );
    let network =
        bill.network_bytes_per_s.map(|rate| format!("{}/s to clients ({} Mbit/s)", bytes(rate), number(rate * 8e-6)));
    let rows = [
        ("nodes", format!("**{}**, decided by {}", range(&bill.nodes, number), bill.decided_by)),
        ("of", format!("{} cores and {}", number(bill.node.cores), bytes(bill.node.memory_bytes))),
        ("cores in all", range(&bill.cores, number)),
        ("memory in all", bill.memory_bytes.as_ref().map_or_else(unknown, |memory| range(memory, bytes))),
        ("disk in all", bill.disk_bytes.map_or_else(unknown, bytes)),
        ("network at the peak", network.unwrap_or_else(unknown)),
        ("headroom, included", format!("{}%", number(bill.headroom * 100.0))),
    ];
    text += "| what | how much (95% range) |\n|---|---|\n";
    text += &rows.map(|(what, amount)| format!("| {what} | {amount} |\n")).concat();
    text += "\n## Unit costs\n\n| cost | 95% interval |\n|---|---|\n";
    for (what, amount) in unit_costs(costs) {
        let _ = writeln!(text, "| {what} | {amount} |");
    }
    text + "\n## Formulas\n\n" + &list(&bill.formulas) + "\n## Assumptions\n\n" + &list(&bill.assumptions)
}

fn list(lines: &[String]) -> String {
    lines.iter().map(|line| format!("- {line}\n")).collect()
}
