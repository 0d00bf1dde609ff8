//! The seconds of a series as points of a plot: a long run has several seconds in one point, and its axis is labelled by the
//! clock.

use super::result::SeriesPoint;

/// Most points of a line.
const POINTS_MAX: usize = 900;

/// Most labels of a time axis.
const TICKS_MAX: f64 = 9.0;

/// Steps of a time axis, in seconds.
const STEPS_S: [f64; 17] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0,
    86_400.0,
];

/// What becomes of several seconds in one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// The greatest.
    Worst,
    /// The mean.
    Mean,
    /// The smallest.
    Least,
}

/// Seconds in one point, for a series of so many.
#[must_use]
pub fn step(seconds: usize) -> usize {
    seconds.div_ceil(POINTS_MAX).max(1)
}

/// A figure of a series as `(seconds, value)`, in the middle of what it stands for.
#[must_use]
pub fn merged(
    series: &[SeriesPoint],
    merge: Merge,
    value: impl Fn(&SeriesPoint) -> Option<f64>,
) -> Vec<(f64, Option<f64>)> {
    let chunks = series.chunks(step(series.len()));
    chunks
        .filter_map(|chunk| {
            let (first, last) = (chunk.first()?, chunk.last()?);
            let middle = (f64::from(first.at_s) + f64::from(last.at_s) + 1.0) / 2.0;
            let values: Vec<f64> = chunk.iter().filter_map(&value).collect();
            Some((middle, merge_values(merge, &values)))
        })
        .collect()
}

fn merge_values(merge: Merge, values: &[f64]) -> Option<f64> {
    let all = values.iter().copied();
    match merge {
        Merge::Worst => all.reduce(f64::max),
        Merge::Least => all.reduce(f64::min),
        Merge::Mean => (!values.is_empty()).then(|| all.sum::<f64>() / values.len() as f64),
    }
}

/// Labels of an axis from 0 to `end_s`.
#[must_use]
pub fn ticks(end_s: f64) -> Vec<(f64, String)> {
    let step = STEPS_S.into_iter().find(|step| end_s / step <= TICKS_MAX).unwrap_or(end_s / TICKS_MAX);
    let places = (0..).map(|number| f64::from(number) * step).take_while(|at_s| *at_s <= end_s);
    places.map(|at_s| (at_s, if at_s == 0.0 { "0".to_owned() } else { clock(at_s) })).collect()
}

/// A time from the start: `12 s`, `4:30`, `1:02:00`.
#[must_use]
pub fn clock(at_s: f64) -> String {
    let whole = at_s as u64;
    match whole {
        0..=119 => format!("{whole} s"),
        120..=3_599 => format!("{}:{:02}", whole / 60, whole % 60),
        _ => format!("{}:{:02}:{:02}", whole / 3_600, whole / 60 % 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(seconds: u32) -> Vec<SeriesPoint> {
        let point = |at_s| SeriesPoint { at_s, offered: u64::from(at_s % 2), ..SeriesPoint::default() };
        (0..seconds).map(point).collect()
    }

    #[test]
    fn short_runs_keep_each_second_and_long_ones_keep_their_worst() {
        let offered = |point: &SeriesPoint| Some(point.offered as f64);
        assert_eq!(merged(&series(3), Merge::Worst, offered), [(0.5, Some(0.0)), (1.5, Some(1.0)), (2.5, Some(0.0))]);
        let day = merged(&series(86_400), Merge::Worst, offered);
        assert!(day.len() <= POINTS_MAX && day.iter().all(|point| point.1 == Some(1.0)));
        assert_eq!(merged(&series(1_800), Merge::Mean, offered)[0], (1.0, Some(0.5)));
        assert_eq!(merged(&series(1_800), Merge::Least, |_| None)[0].1, None);
    }

    #[test]
    fn labels_are_those_of_a_clock() {
        let words = |end_s| ticks(end_s).into_iter().map(|tick| tick.1).collect::<Vec<_>>();
        assert_eq!(words(18.0), ["0", "2 s", "4 s", "6 s", "8 s", "10 s", "12 s", "14 s", "16 s", "18 s"]);
        assert_eq!(words(600.0)[..3], ["0", "2:00", "4:00"]);
        assert_eq!(clock(3_725.0), "1:02:05");
        assert!(ticks(40.0 * 86_400.0).len() <= 11);
    }
}
