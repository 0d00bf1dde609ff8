//! Axes: where values lie, and which of them get a label.

/// How values are laid along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Evenly, from 0.
    Linear,
    /// By decades.
    Log,
    /// Quantiles by decades of what is left above them: 0, 0.9, 0.99, …
    Tail,
}

/// An axis with its range; it maps values to 0..1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
}

impl Axis {
    /// An axis on which all `values` have a place.
    #[must_use]
    pub fn around(scale: Scale, values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            let place = place(scale, value);
            (low, high) = (low.min(place), high.max(place));
        }
        match scale {
            _ if low > high => Self { scale, low: 0.0, high: 1.0 },
            Scale::Linear => Self { scale, low: low.min(0.0), high: ceiling(high) },
            // At least a decade, and room above the largest value.
            Scale::Log => {
                let low = (low - 0.05).floor_to_half();
                Self { scale, low, high: (high + 0.05).ceil_to_half().max(low + 1.0) }
            }
            Scale::Tail => Self { scale, low: 0.0, high: high.max(1.0) },
        }
    }

    /// An axis from `low` to `high`, both shown.
    #[must_use]
    pub fn exactly(low: f64, high: f64) -> Self {
        Self { scale: Scale::Linear, low, high: if high > low { high } else { low + 1.0 } }
    }

    /// Where a value lies, 0 to 1.
    #[must_use]
    pub fn place(&self, value: f64) -> f64 {
        ((place(self.scale, value) - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// The values that get a label, about `wanted` of them.
    #[must_use]
    pub fn ticks(&self, wanted: usize) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let step = nice_step((self.high - self.low) / wanted.max(1) as f64);
                let first = (self.low / step).ceil() as i64;
                (first..).map(|at| at as f64 * step).take_while(|value| *value <= self.high + step * 1e-9).collect()
            }
            Scale::Log => {
                let parts: &[f64] = if self.high - self.low <= 2.1 { &[1.0, 2.0, 5.0] } else { &[1.0] };
                let decades = self.low.floor() as i32..=self.high.ceil() as i32;
                let all = decades.flat_map(|decade| parts.iter().map(move |part| part * 10_f64.powi(decade)));
                all.filter(|value| (self.low - 1e-9..=self.high + 1e-9).contains(&value.log10())).collect()
            }
            Scale::Tail => (0..=self.high as i32).map(|nines| 1.0 - 10_f64.powi(-nines)).collect(),
        }
    }
}

trait ToHalf {
    fn floor_to_half(self) -> f64;
    fn ceil_to_half(self) -> f64;
}

impl ToHalf for f64 {
    fn floor_to_half(self) -> f64 {
        (self * 2.0).floor() / 2.0
    }

    fn ceil_to_half(self) -> f64 {
        (self * 2.0).ceil() / 2.0
    }
}

fn place(scale: Scale, value: f64) -> f64 {
    match scale {
        Scale::Linear => value,
        Scale::Log => value.max(1e-9).log10(),
        Scale::Tail => -(1.0 - value).max(1e-12).log10(),
    }
}

/// A round number at or above `value`, not far from it.
fn ceiling(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let step = nice_step(value / 5.0);
    (value / step).ceil() * step
}

/// 1, 2 or 5 times a power of ten, at least `step`.
fn nice_step(step: f64) -> f64 {
    let decade = 10_f64.powf(step.max(1e-12).log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * decade >= step * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * decade
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_axes_begin_at_zero_and_end_at_a_round_number() {
        let axis = Axis::around(Scale::Linear, [3.0, 47.0].into_iter());
        assert_eq!((axis.place(0.0), axis.place(50.0), axis.place(25.0)), (0.0, 1.0, 0.5));
        assert_eq!(axis.ticks(5), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]);
    }

    #[test]
    fn decades_are_evenly_spaced() {
        let axis = Axis::around(Scale::Log, [15.0, 60_000.0].into_iter());
        assert_eq!(axis.ticks(5), [1e1, 1e2, 1e3, 1e4, 1e5]);
        assert!((axis.place(1e4) - axis.place(1e3) - (axis.place(1e5) - axis.place(1e4))).abs() < 1e-9);
    }

    #[test]
    fn each_nine_takes_the_same_room() {
        let axis = Axis::around(Scale::Tail, [0.0, 0.9999].into_iter());
        assert_eq!(axis.ticks(9).len(), 5);
        assert!((axis.place(0.99) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn nothing_to_show_is_an_axis_too() {
        for scale in [Scale::Linear, Scale::Log, Scale::Tail] {
            assert!(Axis::around(scale, std::iter::empty()).place(0.5).is_finite());
        }
        assert!(!Axis::exactly(5.0, 5.0).ticks(4).is_empty());
    }
}
