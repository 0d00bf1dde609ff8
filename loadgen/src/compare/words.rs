//! A comparison as Markdown; it is also what the terminal shows.

use std::fmt::Write;

use super::Comparison;
use super::difference::{Difference, Verdict};
use crate::figures::{Measure, figure};
use crate::report::format::number;

/// `comparison.md`.
#[must_use]
pub fn markdown(comparison: &Comparison) -> String {
    let (base, new) = (&comparison.base, &comparison.new);
    let mut text = format!("# `{}`: {} against {}\n\n", comparison.scenario, files(new), files(base));
    for words in &comparison.differs {
        let _ = writeln!(text, "- differs: {words}");
    }
    for words in &comparison.beware {
        let _ = writeln!(text, "- beware: {words}");
    }
    let heads = ["figure", "base", "new", "ratio", "95% of the ratio", "spread of base", "of new", "verdict"];
    let rows: Vec<_> = comparison.figures.iter().map(row).collect();
    text += "\n";
    text += &table(heads, &rows);
    let _ = match comparison.failed.as_slice() {
        [] => writeln!(text),
        failed => writeln!(text, "\n**Worse by more than allowed: {}**", failed.join(", ")),
    };
    text
}

fn files(names: &[String]) -> String {
    match names {
        [one] => format!("`{one}`"),
        [first, rest @ ..] => format!("`{first}` and {} more", rest.len()),
        [] => String::new(),
    }
}

fn row(difference: &Difference) -> [String; 8] {
    let measure = figure(&difference.figure).map_or(Measure::Count, |figure| figure.measure);
    let known = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    let percent = |share: Option<f64>| known(share.map(|share| format!("{}%", number(share * 100.0))));
    let interval = difference.ratio_low.zip(difference.ratio_high);
    [
        difference.figure.clone(),
        measure.words(difference.base),
        measure.words(difference.new),
        known(difference.ratio.map(|ratio| format!("{ratio:.3}"))),
        known(interval.map(|(low, high)| format!("{low:.3} to {high:.3}"))),
        percent(difference.base_spread),
        percent(difference.new_spread),
        match difference.verdict {
            Verdict::Better => "better",
            Verdict::Same => "same",
            Verdict::Worse => "**worse**",
            Verdict::UnknownSpread => "unknown spread",
        }
        .to_owned(),
    ]
}

/// A table whose columns also line up where nothing renders it.
fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let wide = |text: &str| text.chars().count();
    let widths: Vec<_> =
        (0..N).map(|at| rows.iter().map(|row| wide(&row[at])).chain([wide(heads[at])]).max().unwrap_or(0)).collect();
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| {
            let rest = " ".repeat(width - wide(cell));
            format!(" {cell}{rest} |")
        });
        format!("|{}\n", padded.collect::<String>())
    };
    let rule: String = widths.iter().map(|width| format!("{}|", "-".repeat(width + 2))).collect();
    let body: String = rows.iter().map(|row| line(std::array::from_fn(|at| row[at].as_str()))).collect();
    format!("{}|{rule}\n{body}", line(heads))
}
