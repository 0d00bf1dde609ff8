//! Shares on the command line.

/// A part of 1 from `5%` or `0.05`.
pub(super) fn parse_share(text: &str) -> Result<f64, String> {
    let (number, factor) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 0.01));
    match number.trim().parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number * factor),
        _ => Err(format!("`{text}` is no share: write 5% or 0.05")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percent_or_parts_of_one() {
        assert_eq!(["5%", "0.25", "100 %"].map(|text| parse_share(text).unwrap()), [0.05, 0.25, 1.0]);
        assert!(parse_share("much").is_err() && parse_share("-1%").is_err());
    }
}
