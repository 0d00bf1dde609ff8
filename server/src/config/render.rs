//! Writes a configuration as TOML: with its documentation as the example file, or bare as what is in effect.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::schema::{Config, KEYS, Key};

const HEADER: &str = "\
# Hubbub's configuration. Every key is shown with its default, so an empty file means the same as this one.
#
#   hubbub --config hubbub.toml        starts with it (or set HUBBUB_CONFIG)
#   hubbub check-config --config ...   says what is wrong with it, or what is in effect
#
# A key is overridden by its environment variable (HUBBUB_DATA_DIR; in a table HUBBUB_LIMITS__FRAME_BYTES_MAX),
# and that by its flag where there is one (--data-dir).
";

/// The documented example file: `deploy/hubbub.example.toml`.
pub fn example() -> String {
    format!("{HEADER}{}", render(&Config::default(), true))
}

/// Every key with the value that is in effect.
pub fn effective(config: &Config) -> String {
    render(config, false)
}

fn render(config: &Config, documented: bool) -> String {
    let values = Table::try_from(config).expect("a configuration consists of tables, strings and numbers");
    let mut text = String::new();
    for keys in KEYS {
        let section = keys[0].section;
        let table = if section.is_empty() { Some(&values) } else { values[section].as_table() };
        if !section.is_empty() {
            write!(text, "\n[{section}]\n").expect("writing to a string");
        }
        for key in *keys {
            write_key(&mut text, key, table.and_then(|table| table.get(key.name)), documented);
        }
    }
    text
}

fn write_key(text: &mut String, key: &Key, value: Option<&Value>, documented: bool) {
    if documented {
        text.push('\n');
        key.doc.iter().for_each(|line| *text += &format!("#{line}\n"));
    }
    match (value, key.unset) {
        (Some(value), _) => *text += &format!("{} = {}\n", key.name, literal(value)),
        (None, Some(unset)) if documented => *text += &format!("#{} = {unset}\n", key.name),
        (None, _) => {}
    }
}

/// A value as TOML, with long numbers in groups of three digits.
fn literal(value: &Value) -> String {
    match value {
        Value::Integer(number) => grouped(*number),
        other => other.to_string(),
    }
}

fn grouped(number: i64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}
