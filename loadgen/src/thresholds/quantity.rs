//! Numbers with units, as thresholds write them.

use std::fmt;

use crate::figures::{Figure, Measure};

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Microseconds: `us`.
    Microseconds,
    /// Milliseconds: `ms`.
    Milliseconds,
    /// Seconds: `s`.
    Seconds,
    /// Bytes: `B`.
    Bytes,
    /// 1,024 bytes: `KiB`.
    Kibibytes,
    /// 1,024 `KiB`.
    Mebibytes,
    /// 1,024 `MiB`.
    Gibibytes,
    /// Hundredths: `%`.
    Percent,
    /// In each second: `/s`.
    PerSecond,
    /// None: pieces, or cores.
    Plain,
}

/// All units but the plain one, as they are written.
const UNITS: [(&str, Unit); 9] = [
    ("us", Unit::Microseconds),
    ("ms", Unit::Milliseconds),
    ("s", Unit::Seconds),
    ("B", Unit::Bytes),
    ("KiB", Unit::Kibibytes),
    ("MiB", Unit::Mebibytes),
    ("GiB", Unit::Gibibytes),
    ("%", Unit::Percent),
    ("/s", Unit::PerSecond),
];

impl Unit {
    /// The unit that is written so; nothing is the plain one.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        match text {
            "" => Some(Self::Plain),
            "µs" => Some(Self::Microseconds),
            text => UNITS.iter().find(|(name, _)| *name == text).map(|(_, unit)| *unit),
        }
    }

    /// How many base units (microseconds, bytes, pieces, parts of 1) one of these is.
    #[must_use]
    pub fn factor(self) -> f64 {
        match self {
            Self::Microseconds | Self::Bytes | Self::PerSecond | Self::Plain => 1.0,
            Self::Milliseconds => 1e3,
            Self::Seconds => 1e6,
            Self::Kibibytes => 1024.0,
            Self::Mebibytes => 1_048_576.0,
            Self::Gibibytes => 1_073_741_824.0,
            Self::Percent => 0.01,
        }
    }

    /// The units in which a figure may be demanded, the usual one first.
    pub fn of(figure: &Figure) -> impl Iterator<Item = Self> {
        let units: &[Self] = match figure.measure {
            Measure::Time => &[Self::Milliseconds, Self::Microseconds, Self::Seconds],
            Measure::Bytes => &[Self::Mebibytes, Self::Bytes, Self::Kibibytes, Self::Gibibytes],
            Measure::Rate => &[Self::PerSecond, Self::Plain],
            Measure::Count | Measure::Cores => &[Self::Plain],
            Measure::Share => &[],
        };
        units.iter().copied().chain(figure.has_share().then_some(Self::Percent))
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = UNITS.iter().find(|(_, unit)| unit == self);
        f.write_str(found.map_or("", |(name, _)| name))
    }
}

/// A number with its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity {
    /// In units; 0 or more.
    pub value: f64,
    /// Of what.
    pub unit: Unit,
}

impl Quantity {
    /// In base units.
    #[must_use]
    pub fn base(self) -> f64 {
        self.value * self.unit.factor()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.value, self.unit)
    }
}
