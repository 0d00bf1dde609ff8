//! Amounts on the command line: users by thousands and millions, memory by its units.

/// A number from `3M`, `250k` or `1000`.
pub(super) fn parse_amount(text: &str) -> Result<f64, String> {
    parse(text, &[("k", 1e3), ("K", 1e3), ("M", 1e6), ("G", 1e9), ("", 1.0)], "3M, 250k or 1000")
}

/// Bytes from `64GiB`, `512MiB`.
pub(super) fn parse_memory(text: &str) -> Result<f64, String> {
    let units =
        [("KiB", 1024.0), ("MiB", 1_048_576.0), ("GiB", 1_073_741_824.0), ("TiB", 1_099_511_627_776.0), ("", 1.0)];
    parse(text, &units, "64GiB or 512MiB")
}

fn parse(text: &str, units: &[(&str, f64)], example: &str) -> Result<f64, String> {
    let found = units.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)));
    let number = found.and_then(|(number, unit)| Some(number.trim().parse::<f64>().ok()? * unit));
    number
        .filter(|number| number.is_finite() && *number > 0.0)
        .ok_or_else(|| format!("`{text}` is no amount: write {example}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_units() {
        assert_eq!(["3M", "250k", "7"].map(|text| parse_amount(text).unwrap()), [3e6, 250e3, 7.0]);
        assert_eq!(parse_memory("64GiB").unwrap(), 64.0 * 1_073_741_824.0);
        assert!(parse_amount("many").is_err() && parse_memory("-1GiB").is_err() && parse_amount("0").is_err());
    }
}
