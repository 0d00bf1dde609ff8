//! Reading thresholds. An error points at its place in the text and says what would be right there.

use std::fmt;
use std::ops::Range;

use super::quantity::{Quantity, Unit};
use super::{OPERATORS, Operator, Threshold};
use crate::figures::{Figure, figure, names, nearest};

/// Most thresholds of one run.
pub const THRESHOLDS_MAX: usize = 100;

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ThresholdError {
    text: String,
    place: Range<usize>,
    reason: String,
}

impl fmt::Display for ThresholdError {
    /// The reason, the text, and a mark below the place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = |part: &str| part.chars().count();
        let before = columns(&self.text[..self.place.start]);
        let marks = columns(&self.text[self.place.clone()]).max(1);
        write!(f, "{}\n  {}\n  {:before$}{}", self.reason, self.text, "", "^".repeat(marks))
    }
}

/// Reads thresholds.
///
/// # Errors
/// The first place that is not what the grammar says, or a name or unit that does not fit.
pub fn parse(text: &str) -> Result<Vec<Threshold>, ThresholdError> {
    // A line end would tear the mark off its place.
    let text = text.replace(['\n', '\r', '\t'], " ");
    let mut thresholds = Vec::new();
    let mut begin = 0;
    for part in text.split(',') {
        let place = begin..begin + part.len();
        thresholds.push(Part { text: &text, place }.threshold()?);
        begin += part.len() + 1;
        if thresholds.len() > THRESHOLDS_MAX {
            let reason = format!("more than {THRESHOLDS_MAX} thresholds");
            return Err(ThresholdError { place: begin..text.len(), text, reason });
        }
    }
    Ok(thresholds)
}

/// A stretch of the text.
struct Part<'a> {
    text: &'a str,
    place: Range<usize>,
}

impl<'a> Part<'a> {
    fn words(&self) -> &'a str {
        &self.text[self.place.clone()]
    }

    fn error(&self, reason: impl Into<String>) -> ThresholdError {
        ThresholdError { text: self.text.to_owned(), place: self.place.clone(), reason: reason.into() }
    }

    /// Without the spaces around it.
    fn trimmed(&self) -> Self {
        let words = self.words();
        let start = self.place.start + words.len() - words.trim_start().len();
        Self { text: self.text, place: start..start + words.trim().len() }
    }

    /// What lies before and after a place within it.
    fn split(&self, at: usize, skipped: usize) -> (Self, Self) {
        let middle = self.place.start + at;
        let before = Self { text: self.text, place: self.place.start..middle };
        let after = Self { text: self.text, place: middle + skipped..self.place.end };
        (before.trimmed(), after.trimmed())
    }

    fn threshold(&self) -> Result<Threshold, ThresholdError> {
        let whole = self.trimmed();
        let words = whole.words();
        if words.is_empty() {
            return Err(whole.error("a threshold such as `delivery_p99<100ms` is expected here"));
        }
        let Some(at) = words.find(['<', '>', '=']) else {
            return Err(whole.error("no operator: write <, <=, >, >= or = between the name and the limit"));
        };
        let (sign, operator) = operator_at(&words[at..]);
        let (name, limit) = whole.split(at, sign.len());
        let figure = name.figure()?;
        Ok(Threshold { figure, operator, limit: limit.quantity(figure)? })
    }

    fn figure(&self) -> Result<&'static Figure, ThresholdError> {
        let name = self.words();
        figure(name).ok_or_else(|| {
            let suggestion = nearest(name).map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
            self.error(format!("there is no figure `{name}`.{suggestion} Known are: {}", names()))
        })
    }

    fn quantity(&self, figure: &Figure) -> Result<Quantity, ThresholdError> {
        let words = self.words();
        let digits = words.find(|letter: char| !letter.is_ascii_digit() && !"._".contains(letter));
        let (number, unit) = self.split(digits.unwrap_or(words.len()), 0);
        let value = number.words().replace('_', "").parse::<f64>().ok().filter(|value| value.is_finite());
        let Some(value) = value else {
            let usual = Unit::of(figure).next().unwrap_or(Unit::Plain);
            return Err(self.error(format!("a number is expected here, such as `1{usual}`")));
        };
        let fitting = Unit::named(unit.words()).filter(|named| Unit::of(figure).any(|fits| fits == *named));
        fitting.map(|unit| Quantity { value, unit }).ok_or_else(|| self.unfit(&unit, figure))
    }

    fn unfit(&self, unit: &Part<'_>, figure: &Figure) -> ThresholdError {
        let fits: Vec<_> = Unit::of(figure)
            .map(|unit| if unit == Unit::Plain { "no unit".to_owned() } else { format!("`{unit}`") })
            .collect();
        let place = if unit.words().is_empty() { self } else { unit };
        place.error(format!("{} is written with {}", figure.name, fits.join(" or ")))
    }
}

fn operator_at(words: &str) -> (&'static str, Operator) {
    let found = OPERATORS.iter().find(|(sign, _)| words.starts_with(sign));
    *found.expect("the text begins with <, > or =")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_operators_and_units_are_read() {
        let text =
            "deliver_p99 < 100ms, loss=0,errors<=0.5%,server_rss<1_500MiB,accepted_rate>=2000/s,server_cpu_cores<2";
        let read = super::super::display(&parse(text).unwrap());
        assert_eq!(
            read,
            "delivery_p99<100ms,loss=0,errors<=0.5%,server_rss<1500MiB,accepted_rate>=2000/s,server_cpu_cores<2"
        );
    }

    fn check(text: &str, reason: &str, marked: &str) {
        let error = parse(text).unwrap_err();
        assert!(error.reason.contains(reason), "{error}");
        assert_eq!(&error.text[error.place.clone()], marked, "{error}");
    }

    #[test]
    fn errors_point_at_the_place_and_show_the_way() {
        check("loss=0,ack_p9<5ms", "Did you mean `ack_p90`?", "ack_p9");
        check("loss=0, acknowledged", "no operator", "acknowledged");
        check("loss=0,", "is expected here", "");
        check("ack_p99<5", "`ms` or `us` or `s`", "5");
        check("ack_p99<5min", "`ms` or `us` or `s`", "min");
        check("loss=none", "a number is expected", "none");
        check("reorders<-1", "a number is expected", "-1");
        check("server_cpu_cores<50%", "no unit", "%");
        check("ack_p99==5ms", "a number is expected", "=5ms");
    }

    #[test]
    fn the_mark_stands_below_its_place() {
        let shown = parse("ack_p99<5ms,löss=0").unwrap_err().to_string();
        let lines: Vec<_> = shown.lines().rev().take(2).collect();
        assert_eq!(lines, [format!("  {:12}^^^^", "").as_str(), "  ack_p99<5ms,löss=0"]);
    }
}
