//! Times on the command line.

/// Seconds from `20s`, `1.5m`, `500ms`, `2h`, or a plain number of seconds.
pub(super) fn parse_seconds(text: &str) -> Result<f64, String> {
    let units = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("", 1.0)];
    let (number, unit) =
        units.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit))).ok_or("a time such as 20s")?;
    match number.trim().parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number * unit),
        _ => Err(format!("`{text}` is no time: write 20s, 1.5m or 500ms")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(
            ["20s", "500ms", "2m", "1h", "3"].map(|text| parse_seconds(text).unwrap()),
            [20.0, 0.5, 120.0, 3600.0, 3.0]
        );
        assert!(parse_seconds("soon").is_err() && parse_seconds("-1s").is_err());
    }
}
