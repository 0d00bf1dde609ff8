//! How long messages are.

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::{ScenarioError, check};
use crate::body::HEADER_BYTES;

/// The longest body that can be asked for, in bytes; a server's own limit is lower.
const BODY_BYTES_MAX: u32 = 1 << 24;

/// Bytes of messages, the harness's header of [`HEADER_BYTES`] included. A number, or a table with one of the others.
#[derive(Debug, Clone, PartialEq)]
pub enum BodySizes {
    /// All alike: `body = 150`.
    Fixed(u32),
    /// Drawn for each message: `body = { uniform = { min = 40, max = 400 } }`.
    Drawn(DrawnSizes),
}

/// Sizes that are drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DrawnSizes {
    /// Any size between two is as likely as the others.
    Uniform {
        /// The smallest, in bytes.
        min: u32,
        /// The largest, in bytes.
        max: u32,
    },
    /// Many short ones and a long tail: the logarithm is normally distributed. Cut off below at the header and above
    /// at `max`.
    Lognormal {
        /// Half of them have at most so many bytes.
        p50: u32,
        /// 99% of them have at most so many bytes.
        p99: u32,
        /// None has more.
        max: u32,
    },
    /// A list of sizes.
    Weighted(Vec<WeightedSize>),
}

/// One size of a list.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightedSize {
    /// Of the message.
    pub bytes: u32,
    /// How often, in relation to the other weights.
    pub weight: f64,
}

impl BodySizes {
    /// The largest that can be drawn, in bytes.
    #[must_use]
    pub fn bytes_max(&self) -> u32 {
        match self {
            Self::Fixed(bytes) => *bytes,
            Self::Drawn(DrawnSizes::Uniform { max, .. } | DrawnSizes::Lognormal { max, .. }) => *max,
            Self::Drawn(DrawnSizes::Weighted(sizes)) => sizes.iter().map(|size| size.bytes).max().unwrap_or(0),
        }
    }

    pub(super) fn validate(&self) -> Result<(), ScenarioError> {
        let possible = |bytes: u32| (HEADER_BYTES..=BODY_BYTES_MAX as usize).contains(&(bytes as usize));
        let bounds = |key, bytes| check(possible(bytes), key, bytes, "at least the header of 40 bytes, at most 16 MiB");
        match self {
            Self::Fixed(bytes) => bounds("body", *bytes),
            Self::Drawn(DrawnSizes::Uniform { min, max }) => {
                bounds("body.uniform.min", *min)?;
                bounds("body.uniform.max", *max)?;
                check(min <= max, "body.uniform.max", max, "not below min")
            }
            Self::Drawn(DrawnSizes::Lognormal { p50, p99, max }) => {
                bounds("body.lognormal.p50", *p50)?;
                bounds("body.lognormal.max", *max)?;
                check(p50 <= p99, "body.lognormal.p99", p99, "not below p50")?;
                check(p99 <= max, "body.lognormal.max", max, "not below p99")
            }
            Self::Drawn(DrawnSizes::Weighted(sizes)) => {
                check(!sizes.is_empty(), "body.weighted", "[]", "at least one size")?;
                for size in sizes {
                    bounds("body.weighted.bytes", size.bytes)?;
                    check(size.weight > 0.0 && size.weight <= 1e9, "body.weighted.weight", size.weight, "more than 0")?;
                }
                Ok(())
            }
        }
    }
}

impl Serialize for BodySizes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(bytes) => bytes.serialize(serializer),
            Self::Drawn(sizes) => sizes.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for BodySizes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sizes;

        impl<'de> Visitor<'de> for Sizes {
            type Value = BodySizes;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a number of bytes, or a table with `uniform`, `lognormal` or `weighted`")
            }

            fn visit_u64<E: serde::de::Error>(self, bytes: u64) -> Result<BodySizes, E> {
                u32::try_from(bytes).map(BodySizes::Fixed).map_err(|_| E::custom(format!("{bytes} bytes are too many")))
            }

            fn visit_i64<E: serde::de::Error>(self, bytes: i64) -> Result<BodySizes, E> {
                u32::try_from(bytes)
                    .map(BodySizes::Fixed)
                    .map_err(|_| E::custom(format!("{bytes} is no number of bytes")))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BodySizes, A::Error> {
                DrawnSizes::deserialize(MapAccessDeserializer::new(map)).map(BodySizes::Drawn)
            }
        }

        deserializer.deserialize_any(Sizes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        body: BodySizes,
    }

    fn read(text: &str) -> Result<BodySizes, String> {
        toml::from_str::<Holder>(text).map(|holder| holder.body).map_err(|error| error.to_string())
    }

    #[test]
    fn every_kind_is_read_as_it_is_written() {
        for text in [
            "body = 150",
            "body = { uniform = { min = 40, max = 400 } }",
            "body = { lognormal = { p50 = 120, p99 = 2000, max = 8000 } }",
            "body = { weighted = [{ bytes = 80, weight = 7 }, { bytes = 900, weight = 0.5 }] }",
        ] {
            let sizes = read(text).unwrap();
            sizes.validate().unwrap();
            let written = toml::to_string_pretty(&Holder { body: sizes.clone() }).unwrap();
            assert_eq!(read(&written), Ok(sizes), "{written}");
        }
    }

    #[test]
    fn a_wrong_kind_or_key_is_refused_by_name() {
        assert!(read("body = { normal = 5 }").unwrap_err().contains("normal"));
        assert!(read("body = { uniform = { min = 40, max = 50, mean = 45 } }").unwrap_err().contains("mean"));
        assert!(read("body = \"long\"").unwrap_err().contains("a number of bytes"));
    }

    #[test]
    fn sizes_below_the_header_and_bounds_in_disorder_are_refused() {
        let refused = |text| read(text).unwrap().validate().unwrap_err().to_string();
        assert!(refused("body = 39").starts_with("body = 39: at least the header"));
        assert!(refused("body = { uniform = { min = 90, max = 80 } }").starts_with("body.uniform.max = 80"));
        let lognormal = "body = { lognormal = { p50 = 100, p99 = 90, max = 100 } }";
        assert!(refused(lognormal).starts_with("body.lognormal.p99 = 90"));
        assert!(refused("body = { weighted = [] }").starts_with("body.weighted"));
    }
}
