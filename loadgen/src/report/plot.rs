//! Line plots as SVG. Colours are classes, so the page's style decides them, in light and in dark.

use std::fmt::Write;

use super::axis::{Axis, Scale};
use super::html::escape;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 34.0;

/// A line with its name.
pub struct Line<'a> {
    /// For the legend.
    pub name: &'a str,
    /// A style class: `c1` to `c5`.
    pub class: &'static str,
    /// Whether the area below it is filled.
    pub filled: bool,
    /// `(x, y)`, by ascending x; a point without y interrupts the line.
    pub points: Vec<(f64, Option<f64>)>,
}

/// A stretch of the x axis that is shaded.
pub struct Band {
    /// Its begin and end.
    pub from: f64,
    /// See `from`.
    pub to: f64,
    /// One word.
    pub label: &'static str,
}

/// A plot with its text.
pub struct Plot<'a> {
    /// Over it.
    pub title: &'a str,
    /// One sentence below the title.
    pub note: &'a str,
    /// What x is.
    pub x_label: &'a str,
    /// How x is laid out.
    pub x_scale: Scale,
    /// Where a linear x begins and ends; else as far as the lines go.
    pub x_range: Option<(f64, f64)>,
    /// How y is laid out.
    pub y_scale: Scale,
    /// Labels of x.
    pub x_format: fn(f64) -> String,
    /// Labels of y.
    pub y_format: fn(f64) -> String,
    /// Shaded stretches.
    pub bands: Vec<Band>,
    /// What is shown.
    pub lines: Vec<Line<'a>>,
}

impl Plot<'_> {
    /// The plot as a `figure`; empty when there is nothing to show.
    #[must_use]
    pub fn to_html(&self) -> String {
        let lines: Vec<_> =
            self.lines.iter().filter(|line| line.points.iter().any(|point| point.1.is_some())).collect();
        if lines.is_empty() {
            return String::new();
        }
        let xs = || lines.iter().flat_map(|line| line.points.iter().map(|point| point.0));
        let ys = lines.iter().flat_map(|line| line.points.iter().filter_map(|point| point.1));
        let x = match self.x_range {
            Some((from, to)) => Axis::exactly(from, to),
            None => Axis::around(self.x_scale, xs()),
        };
        let y = Axis::around(self.y_scale, ys);
        let mut html = format!("<figure><figcaption><h3>{}</h3><p>{}</p>", escape(self.title), escape(self.note));
        html += "<p class=\"legend\">";
        for line in &lines {
            let _ = write!(html, "<span class=\"{}\">{}</span>", line.class, escape(line.name));
        }
        let title = escape(self.title);
        let _ =
            write!(html, "</p></figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">");
        self.draw_bands(&mut html, &x);
        self.draw_axes(&mut html, &x, &y);
        lines.iter().for_each(|line| draw_line(&mut html, line, &x, &y));
        html + "</svg></figure>"
    }

    fn draw_bands(&self, html: &mut String, x: &Axis) {
        for band in &self.bands {
            let (from, to) = (across(x.place(band.from)), across(x.place(band.to)));
            if to - from < 1.0 {
                continue;
            }
            let (wide, tall, middle) = (to - from, HEIGHT - TOP - BOTTOM, f64::midpoint(from, to));
            let _ = write!(
                html,
                "<rect class=\"band\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{wide:.1}\" height=\"{tall}\"/>"
            );
            if wide > 34.0 {
                let label = band.label;
                let _ =
                    write!(html, "<text class=\"bandlabel\" x=\"{middle:.1}\" y=\"{:.1}\">{label}</text>", TOP + 12.0);
            }
        }
    }

    fn draw_axes(&self, html: &mut String, x: &Axis, y: &Axis) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for tick in y.ticks(5) {
            let (at, label) = (down(y.place(tick)), (self.y_format)(tick));
            let _ = write!(
                html,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text class=\"ylabel\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
                LEFT - 6.0,
                at + 4.0
            );
        }
        for tick in x.ticks(8) {
            let (at, label) = (across(x.place(tick)), (self.x_format)(tick));
            let _ = write!(
                html,
                "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{bottom:.1}\" y2=\"{:.1}\"/>\
                 <text class=\"xlabel\" x=\"{at:.1}\" y=\"{:.1}\">{label}</text>",
                bottom + 4.0,
                bottom + 16.0
            );
        }
        let (middle, label) = (f64::midpoint(LEFT, right), escape(self.x_label));
        let _ = write!(html, "<text class=\"xlabel\" x=\"{middle:.1}\" y=\"{:.1}\">{label}</text>", HEIGHT - 4.0);
    }
}

fn across(place: f64) -> f64 {
    LEFT + place * (WIDTH - LEFT - RIGHT)
}

fn down(place: f64) -> f64 {
    HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM)
}

fn draw_line(html: &mut String, line: &Line<'_>, x: &Axis, y: &Axis) {
    let class = line.class;
    for stretch in line.points.split(|point| point.1.is_none()) {
        let points: Vec<_> =
            stretch.iter().filter_map(|(at, value)| Some((across(x.place(*at)), down(y.place((*value)?))))).collect();
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            continue;
        };
        let path: String = points.iter().map(|(x, y)| format!("{x:.1},{y:.1} ")).collect();
        if line.filled {
            let (left, right, bottom) = (first.0, last.0, HEIGHT - BOTTOM);
            let _ = write!(
                html,
                "<polygon class=\"fill {class}\" points=\"{left:.1},{bottom} {path}{right:.1},{bottom}\"/>"
            );
        }
        match points.len() {
            1 => {
                let _ =
                    write!(html, "<circle class=\"dot {class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>", first.0, first.1);
            }
            _ => {
                let _ = write!(html, "<polyline class=\"line {class}\" points=\"{path}\"/>");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::format::number;

    fn plot(points: Vec<(f64, Option<f64>)>) -> String {
        Plot {
            title: "a < b",
            note: "",
            x_label: "seconds",
            x_scale: Scale::Linear,
            x_range: Some((0.0, 5.0)),
            y_scale: Scale::Linear,
            x_format: number,
            y_format: number,
            bands: vec![Band { from: 0.0, to: 1.0, label: "ramp" }],
            lines: vec![Line { name: "one", class: "c1", filled: true, points }],
        }
        .to_html()
    }

    #[test]
    fn a_point_without_a_value_interrupts_the_line() {
        let html = plot(vec![(0.0, Some(1.0)), (1.0, Some(2.0)), (2.0, None), (3.0, Some(1.0)), (4.0, Some(3.0))]);
        assert_eq!(html.matches("<polyline").count(), 2);
        assert!(html.contains("a &lt; b") && !html.contains("NaN"));
    }

    #[test]
    fn nothing_to_show_is_not_drawn() {
        assert!(plot(Vec::new()).is_empty());
        assert!(plot(vec![(0.0, None)]).is_empty());
    }
}
