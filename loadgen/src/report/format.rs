//! Numbers for people: three significant digits, a unit that fits, thin separators.

/// A time in microseconds: `850 µs`, `1.25 ms`, `3.4 s`.
#[must_use]
pub fn time_us(us: f64) -> String {
    match us {
        us if us < 1_000.0 => format!("{} µs", significant(us)),
        us if us < 1e6 => format!("{} ms", significant(us / 1e3)),
        us => format!("{} s", significant(us / 1e6)),
    }
}

/// Bytes with binary units.
#[must_use]
pub fn bytes(bytes: f64) -> String {
    match bytes {
        bytes if bytes < 1024.0 => format!("{} B", significant(bytes)),
        bytes if bytes < 1_048_576.0 => format!("{} KiB", significant(bytes / 1024.0)),
        bytes if bytes < 1_073_741_824.0 => format!("{} MiB", significant(bytes / 1_048_576.0)),
        bytes if bytes < 1_099_511_627_776.0 => format!("{} GiB", significant(bytes / 1_073_741_824.0)),
        bytes => format!("{} TiB", significant(bytes / 1_099_511_627_776.0)),
    }
}

/// A count or rate: whole, with separators, or three digits when small.
#[must_use]
pub fn number(value: f64) -> String {
    match value {
        value if value.abs() < 100.0 && value.fract() != 0.0 => significant(value),
        value => grouped(value.round() as i64),
    }
}

/// A whole number with a separator between thousands.
#[must_use]
pub fn count(value: u64) -> String {
    grouped(i64::try_from(value).unwrap_or(i64::MAX))
}

fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        grouped.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn significant(value: f64) -> String {
    let decimals = match value.abs() {
        value if value >= 99.95 => 0,
        value if value >= 9.995 => 1,
        0.0 => 0,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_a_unit_that_fits() {
        assert_eq!(
            (time_us(850.0), time_us(1_250.0), time_us(3_400_000.0)),
            ("850 µs".into(), "1.25 ms".into(), "3.4 s".into())
        );
        assert_eq!((bytes(100.0), bytes(2_560.0), bytes(3e9)), ("100 B".into(), "2.5 KiB".into(), "2.79 GiB".into()));
        assert_eq!(bytes(5e13), "45.5 TiB");
        assert_eq!(
            (number(1_234_567.0), number(0.254), number(12.0)),
            ("1,234,567".into(), "0.25".into(), "12".into())
        );
        assert_eq!(count(1_000), "1,000");
    }
}
