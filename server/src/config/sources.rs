//! Gathers a configuration from a file, the environment and flags, in that order.
//!
//! It reads what it is given and judges only form: unknown keys, wrong types, texts that are no number. Whether the
//! values fit together is for `validate`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::nearest::{nearest_key, nearest_section};
use super::schema::{Config, Durability, Key, keys};
use super::{Problem, Problems};

/// Where a configuration comes from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// Environment variables; those that do not name a key are passed over.
    pub environment: BTreeMap<String, String>,
    /// What was given on the command line.
    pub overrides: Overrides,
}

/// Values from the command line; `None` leaves what the other sources say.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "each is the key of the same name")]
pub struct Overrides {
    pub data_dir: Option<PathBuf>,
    pub listen: Option<SocketAddr>,
    pub http_listen: Option<SocketAddr>,
    pub plaintext_behind_proxy: Option<bool>,
    pub metrics_listen: Option<SocketAddr>,
    pub durability: Option<Durability>,
    pub shards: Option<usize>,
}

impl Sources {
    /// Puts the sources together.
    ///
    /// # Errors
    /// Every unknown key, wrong type and unreadable file.
    pub fn load(&self) -> Result<Config, Problems> {
        let mut problems = Vec::new();
        let mut config = Config::default();
        if let Some(path) = &self.file {
            config = read_file(path, &mut problems);
        }
        config = apply_environment(config, &self.environment, &mut problems);
        self.overrides.apply(&mut config);
        Problems::unless_empty(problems).map(|()| config)
    }
}

impl Overrides {
    fn apply(&self, config: &mut Config) {
        set(&mut config.data_dir, &self.data_dir);
        config.listen = self.listen.or(config.listen);
        config.http.listen = self.http_listen.or(config.http.listen);
        set(&mut config.plaintext_behind_proxy, &self.plaintext_behind_proxy);
        set(&mut config.metrics_listen, &self.metrics_listen);
        set(&mut config.durability, &self.durability);
        set(&mut config.shards, &self.shards);
    }
}

fn set<T: Clone>(target: &mut T, value: &Option<T>) {
    if let Some(value) = value {
        target.clone_from(value);
    }
}

// ---- The file ----------------------------------------------------------------------------------------------------

fn read_file(path: &Path, problems: &mut Vec<Problem>) -> Config {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text, problems),
        Err(error) => {
            problems.push(Problem::of(
                path.display().to_string(),
                format!("the configuration file cannot be read ({error}); check --config and HUBBUB_CONFIG"),
            ));
            Config::default()
        }
    }
}

pub(super) fn parse(path: &Path, text: &str, problems: &mut Vec<Problem>) -> Config {
    if let Ok(document) = DeTable::parse(text) {
        find_unknown(path, text, document.get_ref(), problems);
    }
    // Unknown keys were named above, all of them and with the nearest known one; here they are passed over, so that
    // a wrong type is reported together with them.
    toml::from_str(text).unwrap_or_else(|error: toml::de::Error| {
        problems.push(Problem::of(path.display().to_string(), error.to_string().trim_end().to_owned()));
        Config::default()
    })
}

fn find_unknown(path: &Path, text: &str, document: &DeTable<'_>, problems: &mut Vec<Problem>) {
    for (name, value) in document {
        let line = line_of(text, name.span().start);
        let name = name.get_ref().as_ref();
        match value.get_ref() {
            DeValue::Table(table) if is_section(name) => {
                for inner in table.keys() {
                    let key = format!("{name}.{}", inner.get_ref());
                    let line = line_of(text, inner.span().start);
                    check_known(&key, problems, |text| Problem::in_file(path, line, text));
                }
            }
            DeValue::Table(_) => problems.push(Problem::in_file(path, line, unknown_section(name))),
            _ if is_section(name) => {} // A wrong type, which serde reports.
            _ => check_known(name, problems, |text| Problem::in_file(path, line, text)),
        }
    }
}

fn check_known(key: &str, problems: &mut Vec<Problem>, problem: impl Fn(String) -> Problem) {
    if !keys().any(|known| known.path() == key) {
        problems.push(problem(unknown("key", key, nearest_key(key))));
    }
}

fn unknown_section(name: &str) -> String {
    unknown("table", &format!("[{name}]"), nearest_section(name).map(|name| format!("[{name}]")))
}

fn unknown(what: &str, name: &str, nearest: Option<String>) -> String {
    match nearest {
        Some(nearest) => format!("unknown {what} {name}; did you mean {nearest}?"),
        None => format!("unknown {what} {name}; see hubbub.example.toml for all there are, or remove it"),
    }
}

fn is_section(name: &str) -> bool {
    keys().any(|key| !key.section.is_empty() && key.section == name)
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

// ---- The environment ---------------------------------------------------------------------------------------------

fn apply_environment(config: Config, environment: &BTreeMap<String, String>, problems: &mut Vec<Problem>) -> Config {
    let config = keys().fold(config, |config, key| match environment.get(&key.variable()) {
        Some(text) => with_variable(&config, key, text).unwrap_or_else(|reason| {
            problems.push(Problem::new(key.variable(), text, reason));
            config
        }),
        None => config,
    });
    // Only names with a double underscore are surely meant for Hubbub: orchestrators make others, such as HUBBUB_PORT.
    let meant = environment.keys().filter(|name| name.starts_with("HUBBUB_") && name.contains("__"));
    for name in meant.filter(|name| !keys().any(|key| key.variable() == **name)) {
        let path = name["HUBBUB_".len()..].to_lowercase().replace("__", ".");
        let nearest = nearest_key(&path).and_then(|near| keys().find(|key| key.path() == near)).map(Key::variable);
        problems.push(Problem::of(name, unknown("variable", name, nearest)));
    }
    config
}

/// `config` with one key set from a variable's text, or why that cannot be.
fn with_variable(config: &Config, key: &Key, text: &str) -> Result<Config, String> {
    let mut values = Table::try_from(config).expect("a configuration consists of tables, strings and numbers");
    let table = match key.section {
        "" => &mut values,
        section => values[section].as_table_mut().expect("every section is a table"),
    };
    let value = like(table.get(key.name), text)?;
    table.insert(key.name.to_owned(), value);
    Config::deserialize(values).map_err(|error| error.message().to_owned())
}

/// The text as a value of the same type as the current one; a key that is not set is a text. A list is written with
/// commas.
fn like(current: Option<&Value>, text: &str) -> Result<Value, String> {
    match current {
        Some(Value::Integer(_)) => {
            let digits = text.replace('_', "");
            digits.parse().map(Value::Integer).map_err(|_| "this is not a whole number".to_owned())
        }
        Some(Value::Array(_)) => {
            let elements = text.split(',').map(str::trim).filter(|element| !element.is_empty());
            Ok(Value::Array(elements.map(Value::from).collect()))
        }
        Some(Value::Boolean(_)) => text.parse().map(Value::Boolean).map_err(|_| "write true or false".to_owned()),
        _ => Ok(Value::String(text.to_owned())),
    }
}
