//! Line plots as SVG that fill whatever width there is: lines live in a stretched inner `svg`, text and its places in percent
//! outside it, so letters keep their size on a phone, on a screen and on paper. Colours are classes, so the page's style
//! decides them, in light and in dark.

use std::fmt::Write;

use super::axis::Axis;
use super::html::escape;

/// The inner coordinates: both directions go from 0 to this.
const INNER: f64 = 1_000.0;

/// The least distance between two labels beside the plot, in pixels.
const LABEL_PX: f64 = 13.0;

/// The height of a plot that stands for itself, in pixels.
const HEIGHT_PX: f64 = 230.0;

/// A line with its name.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Beside its end, in the legend and in the read-out.
    pub name: String,
    /// A style class: `c1` to `c5`.
    pub class: &'static str,
    /// Whether the area below it is filled.
    pub filled: bool,
    /// `(x, y)`, by ascending x; a point without y interrupts the line.
    pub points: Vec<(f64, Option<f64>)>,
}

impl Line {
    /// Whether it is nothing but points that stand alone; their name is in the legend, as they have no end.
    fn is_dots(&self) -> bool {
        self.points.split(|point| point.1.is_none()).all(|stretch| stretch.len() < 2)
    }
}

/// A stretch of the x axis that is shaded.
#[derive(Debug, Clone)]
pub struct Band {
    /// Its begin and end.
    pub from: f64,
    /// See `from`.
    pub to: f64,
    /// A style class: `phase` or `disturbed`.
    pub class: &'static str,
    /// What is always written over it; may be empty.
    pub label: String,
    /// What follows where there is room.
    pub more: String,
}

/// A horizontal line that something is held against.
#[derive(Debug, Clone)]
pub struct Limit {
    /// Where.
    pub at: f64,
    /// What.
    pub label: String,
}

/// A plot with its text.
pub struct Plot {
    /// Over it.
    pub title: String,
    /// A few words behind the title: what, in which unit.
    pub note: String,
    /// Pixels.
    pub height: f64,
    /// Where x lies.
    pub x: Axis,
    /// Where x gets labels, and which.
    pub x_ticks: Vec<(f64, String)>,
    /// What x is; shown below the labels unless empty.
    pub x_title: &'static str,
    /// Where y lies.
    pub y: Axis,
    /// Labels of y.
    pub y_format: fn(f64) -> String,
    /// Shaded stretches.
    pub bands: Vec<Band>,
    /// Whether their labels are written here.
    pub names_bands: bool,
    /// A limit to hold the lines against.
    pub limit: Option<Limit>,
    /// What is shown.
    pub lines: Vec<Line>,
}

impl Plot {
    /// A plot without bands, limit or labels of x.
    #[must_use]
    pub fn new(title: &str, note: &str, axes: (Axis, Axis), y_format: fn(f64) -> String, lines: Vec<Line>) -> Self {
        Self {
            title: title.to_owned(),
            note: note.to_owned(),
            height: HEIGHT_PX,
            x: axes.0,
            x_ticks: Vec::new(),
            x_title: "",
            y: axes.1,
            y_format,
            bands: Vec::new(),
            names_bands: false,
            limit: None,
            lines,
        }
    }

    /// The plot as a `figure`. `number` names it for the read-out, when it has one.
    #[must_use]
    pub fn to_html(&self, number: Option<usize>) -> String {
        let title = escape(&self.title);
        let named = number.map_or_else(String::new, |number| format!(" data-panel=\"{number}\""));
        let mut html = format!("<figure{named}><figcaption><h3>{title}</h3> <span>{}</span>", escape(&self.note));
        html += "<span class=\"keys\">";
        for line in &self.lines {
            let dots = if line.is_dots() { " dots" } else { "" };
            let _ = write!(html, "<span class=\"key {}{dots}\">{} <b></b></span>", line.class, escape(&line.name));
        }
        let height = self.height;
        let _ = write!(
            html,
            "</span></figcaption><div class=\"plot\"><svg role=\"img\" aria-label=\"{title}\" height=\"{height}\">"
        );
        html += "<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" width=\"100%\" height=\"100%\">";
        self.draw_bands(&mut html);
        self.draw_grid(&mut html);
        self.lines.iter().for_each(|line| self.draw_line(&mut html, line));
        html += "</svg>";
        self.write_labels(&mut html);
        html += "</svg></div>";
        if !self.x_title.is_empty() {
            let _ = write!(html, "<p class=\"xtitle\">{}</p>", escape(self.x_title));
        }
        html + "</figure>"
    }

    fn draw_bands(&self, html: &mut String) {
        for band in &self.bands {
            let (from, to) = (self.x.place(band.from) * INNER, self.x.place(band.to) * INNER);
            let (class, wide) = (band.class, (to - from).max(1.5));
            let _ =
                write!(html, "<rect class=\"{class}\" x=\"{from:.1}\" y=\"0\" width=\"{wide:.1}\" height=\"1000\"/>");
        }
    }

    fn y_ticks(&self) -> Vec<f64> {
        self.y.ticks(if self.height < 100.0 { 3 } else { 4 })
    }

    fn draw_grid(&self, html: &mut String) {
        for tick in self.y_ticks() {
            let at = (1.0 - self.y.place(tick)) * INNER;
            let _ = write!(html, "<path class=\"grid\" d=\"M0 {at:.1}H1000\"/>");
        }
        for (tick, _) in &self.x_ticks {
            let at = self.x.place(*tick) * INNER;
            let _ = write!(html, "<path class=\"tick\" d=\"M{at:.1} 0V1000\"/>");
        }
        if let Some(limit) = &self.limit {
            let at = (1.0 - self.y.place(limit.at)) * INNER;
            let _ = write!(html, "<path class=\"limit\" d=\"M0 {at:.1}H1000\"/>");
        }
    }

    fn draw_line(&self, html: &mut String, line: &Line) {
        let class = line.class;
        for stretch in line.points.split(|point| point.1.is_none()) {
            let place =
                |&(x, y): &(f64, Option<f64>)| Some((self.x.place(x) * INNER, (1.0 - self.y.place(y?)) * INNER));
            let points: Vec<_> = stretch.iter().filter_map(place).collect();
            let (Some(first), Some(last)) = (points.first(), points.last()) else {
                continue;
            };
            let path = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect::<Vec<_>>().join("L");
            if points.len() == 1 {
                let _ = write!(html, "<path class=\"line dot {class}\" d=\"M{path}h0\"/>");
                continue;
            }
            if line.filled {
                let (left, right) = (first.0, last.0);
                let _ = write!(html, "<path class=\"fill {class}\" d=\"M{left:.1} 1000L{path}L{right:.1} 1000Z\"/>");
            }
            let _ = write!(html, "<path class=\"line {class}\" d=\"M{path}\"/>");
        }
    }

    fn write_labels(&self, html: &mut String) {
        for tick in self.y_ticks() {
            let (at, label) = ((1.0 - self.y.place(tick)) * 100.0, (self.y_format)(tick));
            let _ =
                write!(html, "<text class=\"y\" x=\"0\" dx=\"-7\" y=\"{at:.1}%\" dy=\"4\">{}</text>", escape(&label));
        }
        for (number, (tick, label)) in self.x_ticks.iter().enumerate() {
            let (at, odd) = (self.x.place(*tick) * 100.0, if number % 2 == 1 { " odd" } else { "" });
            let label = escape(label);
            let _ = write!(html, "<text class=\"x{odd}\" x=\"{at:.1}%\" y=\"100%\" dy=\"15\">{label}</text>");
        }
        if let Some(limit) = &self.limit {
            let (at, label) = ((1.0 - self.y.place(limit.at)) * 100.0, escape(&limit.label));
            let _ = write!(html, "<text class=\"limit\" x=\"0\" dx=\"4\" y=\"{at:.1}%\" dy=\"-4\">{label}</text>");
        }
        if self.lines.len() > 1 {
            self.write_ends(html);
        }
        if self.names_bands {
            self.write_bands(html);
        }
    }

    /// Each line's name beside its last value, pushed apart where they would meet.
    fn write_ends(&self, html: &mut String) {
        let last = |line: &Line| line.points.iter().rev().find_map(|point| point.1);
        let mut ends: Vec<(f64, &Line)> = self
            .lines
            .iter()
            .filter(|line| !line.is_dots())
            .filter_map(|line| Some(((1.0 - self.y.place(last(line)?)) * self.height, line)))
            .collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        for at in 1..ends.len() {
            ends[at].0 = ends[at].0.max(ends[at - 1].0 + LABEL_PX);
        }
        let mut lowest = self.height - 2.0;
        for end in ends.iter_mut().rev() {
            end.0 = end.0.min(lowest);
            lowest = end.0 - LABEL_PX;
        }
        for (at, line) in ends {
            let (class, name) = (line.class, escape(&line.name));
            let at = 100.0 * at / self.height;
            let _ =
                write!(html, "<text class=\"end {class}\" x=\"100%\" dx=\"6\" y=\"{at:.1}%\" dy=\"4\">{name}</text>");
        }
    }

    /// Labels of bands: the longer form only where the next one is far enough away.
    fn write_bands(&self, html: &mut String) {
        for (number, band) in self.bands.iter().enumerate() {
            let is_phase = |band: &Band| band.class.starts_with("phase");
            let same = |other: &&Band| is_phase(other) == is_phase(band);
            let next = self.bands[number + 1..].iter().find(same).map_or(1.0, |next| self.x.place(next.from));
            let (from, row) = (self.x.place(band.from), if is_phase(band) { 11 } else { 24 });
            let width = self.x.place(band.to) - from;
            if is_phase(band) && width < 0.05 {
                continue;
            }
            let narrow = if is_phase(band) && width < 0.2 { " wide" } else { "" };
            let _ = write!(
                html,
                "<text class=\"band {}{narrow}\" x=\"{:.1}%\" dx=\"3\" y=\"{row}\">{}",
                band.class,
                from * 100.0,
                escape(&band.label)
            );
            if next - from > 0.1 && !band.more.is_empty() {
                let _ = write!(html, "<tspan class=\"wide\"> {}</tspan>", escape(&band.more));
            }
            *html += "</text>";
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::axis::Scale;
    use crate::report::format::number;

    fn plot(lines: Vec<Line>) -> String {
        let values = || lines.iter().flat_map(|line| line.points.iter().filter_map(|point| point.1));
        let plot = Plot {
            title: "a < b".to_owned(),
            note: String::new(),
            height: 100.0,
            x: Axis::exactly(0.0, 5.0),
            x_ticks: vec![(0.0, "0".to_owned()), (5.0, "5 s".to_owned())],
            x_title: "",
            y: Axis::around(Scale::Linear, values()),
            y_format: number,
            bands: vec![Band { from: 0.0, to: 1.0, class: "phase", label: "ramp".to_owned(), more: String::new() }],
            names_bands: true,
            limit: None,
            lines: lines.clone(),
        };
        plot.to_html(Some(3))
    }

    fn line(name: &str, points: Vec<(f64, Option<f64>)>) -> Line {
        Line { name: name.to_owned(), class: "c1", filled: true, points }
    }

    #[test]
    fn a_point_without_a_value_interrupts_the_line_and_a_lonely_one_is_a_dot() {
        let points = vec![(0.0, Some(1.0)), (1.0, Some(2.0)), (2.0, None), (3.0, Some(1.0)), (4.0, None)];
        let html = plot(vec![line("one", points)]);
        assert_eq!((html.matches("class=\"line c1\"").count(), html.matches("class=\"line dot c1\"").count()), (1, 1));
        assert!(html.contains("a &lt; b") && !html.contains("NaN") && html.contains(">ramp<"));
    }

    #[test]
    fn names_of_lines_that_end_at_one_place_do_not_cover_each_other() {
        let flat = |name| line(name, vec![(0.0, Some(5.0)), (5.0, Some(5.0))]);
        let html = plot(vec![flat("one"), flat("two"), flat("three")]);
        let places: Vec<f64> = html
            .split("class=\"end c1\"")
            .skip(1)
            .map(|rest| rest.split(" y=\"").nth(1).unwrap().split('%').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(places.len(), 3);
        // The plot is 100 pixels high, so percent are pixels.
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= LABEL_PX - 0.1), "{places:?}");
    }
}
