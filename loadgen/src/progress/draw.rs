//! What the dashboard looks like. Pure: from figures to cells.
//!
//! ```text
//! title                                              how to end it
//! phase, progress, time left
//! Load                        | Latency
//! Server                      | Generator
//! Errors                      | News
//! ```

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Gauge, Paragraph, Sparkline, Wrap};

use super::{Moment, Stage, phase, setup_words};
use crate::certify::Verdict;
use crate::clock::SECOND_US;
use crate::report::format::{bytes, count, number, time_us};
use crate::report::result::{Quantiles, SeriesPoint};
use crate::series::Series;

/// Seconds behind each other in a spark line.
const SPARK_SECONDS: usize = 40;

/// Columns of a label with its value beside a spark line.
const LABEL_COLUMNS: u16 = 23;

/// Draws the whole screen. `said` are lines for people, the newest last; `ending`: somebody has asked for the end.
pub(super) fn dashboard(frame: &mut Frame<'_>, moment: &Moment<'_>, said: &[String], ending: bool) {
    let rows = [Constraint::Length(1), Constraint::Length(1), Constraint::Min(0)];
    let [title, progress, rest] = Layout::vertical(rows).areas(frame.area());
    draw_title(frame, title, moment, ending);
    draw_progress(frame, progress, moment);
    match moment.stage {
        Stage::Setup(_) => draw_said(frame, rest, said),
        Stage::Traffic { series, .. } => draw_traffic(frame, rest, moment, series, said),
    }
}

fn draw_title(frame: &mut Frame<'_>, area: Rect, moment: &Moment<'_>, ending: bool) {
    let plan = moment.plan;
    let what = format!("{} · {} clients · {}", plan.scenario.name, count(plan.scenario.clients.into()), plan.server);
    let how = if ending { "ending; again: at once" } else { "q: end the traffic" };
    let [left, right] = Layout::horizontal([Constraint::Min(0), Constraint::Length(23)]).areas(area);
    frame.render_widget(Paragraph::new(what).style(Style::new().add_modifier(Modifier::BOLD)), left);
    frame.render_widget(Paragraph::new(how).right_aligned().style(soft()), right);
}

fn draw_progress(frame: &mut Frame<'_>, area: Rect, moment: &Moment<'_>) {
    let (part, label) = match moment.stage {
        Stage::Setup(setups) => {
            let (_, part, words) = setup_words(setups, moment.plan.scenario.clients);
            (part, words)
        }
        Stage::Traffic { elapsed_us, .. } => {
            let (word, part) = phase(moment.plan, elapsed_us);
            (part, format!("{word} · {}", time_left(moment, elapsed_us)))
        }
    };
    let gauge = Gauge::default().ratio(part.clamp(0.0, 1.0)).label(label).use_unicode(true);
    frame.render_widget(gauge.gauge_style(Style::new().fg(Color::Blue)), area);
}

fn time_left(moment: &Moment<'_>, elapsed_us: u64) -> String {
    match moment.plan.traffic_us().checked_sub(elapsed_us) {
        Some(left_us) => format!("{} s left", left_us.div_ceil(SECOND_US)),
        None => format!("{} s for the ledger to close", (elapsed_us - moment.plan.traffic_us()) / SECOND_US),
    }
}

fn draw_traffic(frame: &mut Frame<'_>, area: Rect, moment: &Moment<'_>, series: &Series, said: &[String]) {
    let rows = [Constraint::Length(6), Constraint::Length(8), Constraint::Min(0)];
    let [first, second, last] = Layout::vertical(rows).areas(area);
    let halves = |area| -> [Rect; 2] { Layout::horizontal([Constraint::Percentage(50); 2]).areas(area) };
    let newest = series.newest(SPARK_SECONDS);
    let [load, latency] = halves(first);
    draw_load(frame, load, moment, series, &newest);
    draw_latency(frame, latency, series, newest.last().copied());
    let [server, generator] = halves(second);
    draw_server(frame, server, series);
    draw_generator(frame, generator, moment, series, newest.last().copied());
    let [errors, news] = halves(last);
    draw_errors(frame, errors, series);
    draw_said(frame, news, said);
}

/// The inside of a block with a heading.
fn block(frame: &mut Frame<'_>, area: Rect, title: &str) -> Rect {
    let block = Block::new()
        .borders(Borders::TOP)
        .border_style(soft())
        .title(Span::styled(format!(" {title} "), Style::new().add_modifier(Modifier::BOLD)));
    let mut inner = block.inner(area);
    inner.width = inner.width.saturating_sub(1);
    frame.render_widget(block, area);
    inner
}

fn soft() -> Style {
    Style::new().fg(Color::DarkGray)
}

/// A label and its value, the value to the right.
fn pair(label: &str, value: String, columns: usize) -> String {
    let room = columns.saturating_sub(label.chars().count() + value.chars().count());
    format!("{label}{}{value}", " ".repeat(room))
}

/// One row of a block.
fn row(area: Rect, number: u16) -> Rect {
    Rect { y: area.y + number, height: 1, ..area }.intersection(area)
}

/// A figure with its course beside it.
fn spark(frame: &mut Frame<'_>, area: Rect, label: &str, value: String, course: &[u64], colour: Color) {
    let columns = [Constraint::Length(LABEL_COLUMNS), Constraint::Length(1), Constraint::Min(0)];
    let [text, _, line] = Layout::horizontal(columns).areas(area);
    frame.render_widget(Paragraph::new(pair(label, value, text.width.into())), text);
    let from = course.len().saturating_sub(line.width.into());
    frame.render_widget(Sparkline::default().data(course[from..].to_vec()).style(Style::new().fg(colour)), line);
}

/// A label, which figure of a second, and the colour of its course.
type Course = (&'static str, fn(&SeriesPoint) -> u64, Color);

fn draw_load(frame: &mut Frame<'_>, area: Rect, moment: &Moment<'_>, series: &Series, newest: &[&SeriesPoint]) {
    let inner = block(frame, area, "Load, a second");
    let figures: [Course; 3] = [
        ("offered", |point| point.offered, Color::Gray),
        ("accepted", |point| point.accepted, Color::Blue),
        ("delivered", |point| point.delivered, Color::Green),
    ];
    for (number, (label, of, colour)) in (0..).zip(figures) {
        let course: Vec<u64> = newest.iter().map(|point| of(point)).collect();
        let value = course.last().map_or_else(|| "–".to_owned(), |value| count(*value));
        spark(frame, row(inner, number), label, value, &course, colour);
    }
    let connected = newest.last().map_or(0, |point| point.connected);
    let [connected, synced, clients] =
        [connected, series.sofar().synced(), moment.plan.scenario.clients].map(|n| count(n.into()));
    let words = format!("{connected} logged in, {synced} synced, of {clients}");
    frame.render_widget(Paragraph::new(words), row(inner, 3));
    let (accepted, offered) = (series.sofar().accepted, series.sofar().offered);
    let words = format!("so far {} of {} accepted", count(accepted), count(offered));
    frame.render_widget(Paragraph::new(words).style(soft()), row(inner, 4));
}

fn draw_latency(frame: &mut Frame<'_>, area: Rect, series: &Series, newest: Option<&SeriesPoint>) {
    let inner = block(frame, area, "Latency");
    let sofar = series.sofar();
    let second = |of: Option<Quantiles>, figure: fn(Quantiles) -> u64| {
        of.map_or_else(|| "–".to_owned(), |quantiles| time_us(figure(quantiles) as f64))
    };
    let whole = |value: Option<u64>| value.map_or_else(|| "–".to_owned(), |us| time_us(us as f64));
    let (ack, delivery) = (newest.and_then(|point| point.ack), newest.and_then(|point| point.delivery));
    let rows = [
        ("acknowledged 99%", second(ack, |all| all.p99), whole(sofar.ack.quantile(0.99))),
        ("delivered 50%", second(delivery, |all| all.p50), whole(sofar.delivery.quantile(0.5))),
        ("delivered 99%", second(delivery, |all| all.p99), whole(sofar.delivery.quantile(0.99))),
        ("delivered max", second(delivery, |all| all.max), whole(sofar.delivery.quantile(1.0))),
    ];
    let heads = format!("{:<17}{:>10}{:>11}", "", "last second", "measured");
    let mut lines = vec![Line::styled(heads, soft())];
    lines.extend(rows.map(|(label, second, whole)| Line::raw(format!("{label:<17}{second:>10} {whole:>10}"))));
    frame.render_widget(Paragraph::new(lines), inner);
}

fn draw_server(frame: &mut Frame<'_>, area: Rect, series: &Series) {
    let inner = block(frame, area, "Server");
    let (cores, rss, inside) = series.newest_server();
    let course = series.server_course(SPARK_SECONDS);
    let cpu = cores.map_or_else(|| "not measured".to_owned(), |cores| format!("{} cores", number(cores)));
    spark(frame, row(inner, 0), "CPU", cpu, &course, Color::Yellow);
    let or_not = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    let inside = inside.as_ref();
    let commit = |of: Option<f64>| of.map(time_us);
    let busy = inside.and_then(|inside| inside.shard_busy.iter().copied().reduce(f64::max));
    let rows = [
        ("memory", or_not(rss.map(|rss| bytes(rss as f64)))),
        ("busiest shard", or_not(busy.map(percent))),
        ("commit 50%", or_not(inside.and_then(|inside| commit(inside.commit_us_p50)))),
        ("commit 99%", or_not(inside.and_then(|inside| commit(inside.commit_us_p99)))),
        ("deepest mailbox", or_not(inside.and_then(|inside| inside.mailbox_depth_max).map(count))),
        ("sessions", or_not(inside.and_then(|inside| inside.sessions).map(count))),
    ];
    let lines: Vec<_> = rows.map(|(label, value)| Line::raw(pair(label, value, LABEL_COLUMNS.into()))).into();
    let below = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    frame.render_widget(Paragraph::new(lines), below);
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

fn draw_generator(
    frame: &mut Frame<'_>,
    area: Rect,
    moment: &Moment<'_>,
    series: &Series,
    newest: Option<&SeriesPoint>,
) {
    let inner = block(frame, area, "Generator");
    let sofar = series.sofar();
    let (words, colour) = match sofar.verdict(moment.plan.scenario.is_closed_loop()) {
        None => ("nothing measured yet".to_owned(), Color::DarkGray),
        Some((Verdict::Server, _)) => ("so far the figures are the server's".to_owned(), Color::Green),
        Some((Verdict::Unclear, _)) => ("unclear whose figures these are".to_owned(), Color::Yellow),
        Some((Verdict::Generator, _)) => ("its own limit: not the server's figures".to_owned(), Color::Red),
    };
    let late = newest.and_then(|point| point.slip_us_p99).map_or_else(|| "–".to_owned(), |us| time_us(us as f64));
    let late_whole = sofar.slip.quantile(0.99).map_or_else(|| "–".to_owned(), |us| time_us(us as f64));
    let share = |of: Option<f64>| of.map_or_else(|| "–".to_owned(), percent);
    let rows = [
        ("sends late 99%", late, late_whole),
        ("busiest thread", share(newest.and_then(|point| point.generator_busiest)), percent(sofar.busiest())),
        ("waited for CPU", share(newest.and_then(|point| point.generator_waited)), percent(sofar.waited())),
        ("unanswered", count(sofar.unanswered()), String::new()),
        ("copies on the way", count(sofar.copies_in_flight()), String::new()),
    ];
    let mut lines = vec![Line::styled(words, Style::new().fg(colour).add_modifier(Modifier::BOLD))];
    lines.extend(rows.map(|(label, second, whole)| Line::raw(format!("{label:<17}{second:>10} {whole:>10}"))));
    frame.render_widget(Paragraph::new(lines), inner);
}

fn draw_errors(frame: &mut Frame<'_>, area: Rect, series: &Series) {
    let inner = block(frame, area, "Errors");
    let mut all: Vec<_> = series.sofar().errors.iter().collect();
    all.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
    let lines: Vec<_> = match all.is_empty() {
        true => vec![Line::styled("none", soft())],
        false => all.into_iter().map(|(words, times)| Line::raw(format!("{:>7}  {words}", count(*times)))).collect(),
    };
    frame.render_widget(Paragraph::new(lines), inner);
}

/// The newest lines that have room.
fn draw_said(frame: &mut Frame<'_>, area: Rect, said: &[String]) {
    let inner = block(frame, area, "News");
    let from = said.len().saturating_sub(inner.height.into());
    let lines: Vec<_> = said[from..].iter().map(|words| Line::raw(words.as_str())).collect();
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), inner);
}

#[cfg(test)]
mod tests;
