//! Fan-out completion by the size of the group: for each class of sizes, from the first to the last member, at the median and
//! at 99%, on one time axis.

use std::fmt::Write;

use super::axis::{Axis, Scale};
use super::comebacks::FanoutBySize;
use super::format::time_us;
use super::html::escape;
use super::result::RunResult;
use crate::latency::Summary;

/// Pixels of a class: its two lines and the room below.
const CLASS_PX: f64 = 46.0;

/// Pixels from one line of a class to the other.
const LINE_PX: f64 = 17.0;

/// A quantile with its name.
type Quantile = (&'static str, fn(&Summary) -> u64);

const QUANTILES: [Quantile; 2] = [("50%", |summary| summary.p50), ("99%", |summary| summary.p99)];

/// The picture; empty with fewer than two classes, as there is nothing to compare then.
#[must_use]
pub fn by_size(result: &RunResult) -> String {
    let classes: Vec<_> = result.latency_us.fanout_by_size.iter().filter(|class| class.last.is_some()).collect();
    if classes.len() < 2 {
        return String::new();
    }
    let times = classes.iter().flat_map(|class| [&class.first, &class.median, &class.last].into_iter().flatten());
    let values = times.flat_map(|summary| QUANTILES.map(|(_, of)| of(summary) as f64));
    let axis = Axis::around(Scale::Log, values);
    let height = CLASS_PX * classes.len() as f64;
    let mut html = format!(
        "<figure class=\"sizes\"><figcaption><h3>Fan-out by group size</h3> <span>until the \
         <i class=\"c3\">first</i>, the <i class=\"c1\">middle</i> and the <i class=\"c2\">last</i> of the group had it\
         </span></figcaption><div class=\"plot\"><svg role=\"img\" aria-label=\"Fan-out by group size\" height=\"{height}\">"
    );
    for tick in axis.ticks(5) {
        let (at, label) = (axis.place(tick) * 100.0, time_us(tick));
        let _ = write!(
            html,
            "<line class=\"grid\" x1=\"{at:.1}%\" x2=\"{at:.1}%\" y1=\"0\" y2=\"{height}\"/>\
             <text class=\"x\" x=\"{at:.1}%\" y=\"{height}\" dy=\"15\">{}</text>",
            escape(&label)
        );
    }
    for (number, class) in classes.iter().enumerate() {
        draw(&mut html, class, &axis, CLASS_PX * number as f64 + 12.0);
    }
    html + "</svg></div></figure>"
}

fn draw(html: &mut String, class: &FanoutBySize, axis: &Axis, top: f64) {
    let _ = write!(
        html,
        "<text class=\"y\" x=\"0\" dx=\"-44\" y=\"{:.1}\" dy=\"4\">{}</text>",
        top + LINE_PX / 2.0,
        escape(&class.words())
    );
    for (number, (name, of)) in QUANTILES.iter().enumerate() {
        let y = top + LINE_PX * number as f64;
        let _ = write!(html, "<text class=\"y\" x=\"0\" dx=\"-7\" y=\"{y:.1}\" dy=\"4\">{name}</text>");
        let place = |summary: &Option<Summary>| summary.as_ref().map(|summary| axis.place(of(summary) as f64) * 100.0);
        let ends = place(&class.first).zip(place(&class.last));
        if let Some((first, last)) = ends {
            let _ = write!(
                html,
                "<line class=\"range\" x1=\"{first:.1}%\" x2=\"{last:.1}%\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
            );
        }
        for (style, summary) in [("c3", &class.first), ("c1", &class.median), ("c2", &class.last)] {
            if let Some(at) = place(summary) {
                let _ = write!(html, "<circle class=\"{style}\" cx=\"{at:.1}%\" cy=\"{y:.1}\" r=\"4\"/>");
            }
        }
    }
}
