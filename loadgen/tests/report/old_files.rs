//! Result files of older versions can be read, and are written back with all that they said.

use serde_json::Value;

use super::{FIRST_VERSION, first_version};
use hubbub_loadgen::report::result::Kind;

/// Everything that `old` says, `new` says too.
fn check_kept(old: &Value, new: &Value, path: &str) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (name, value) in old {
                check_kept(value, new.get(name).unwrap_or(&Value::Null), &format!("{path}.{name}"));
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            assert_eq!(old.len(), new.len(), "{path}");
            old.iter().zip(new).for_each(|(old, new)| check_kept(old, new, path));
        }
        (Value::Number(old), Value::Number(new)) => assert_eq!(old.as_f64(), new.as_f64(), "{path}"),
        (old, new) => assert_eq!(old, new, "{path}"),
    }
}

#[test]
fn the_first_version_is_read_and_nothing_of_it_is_lost() {
    let result = first_version();
    assert_eq!(result.kind, Kind::Run);
    let old: Value = serde_json::from_str(FIRST_VERSION).unwrap();
    check_kept(&old, &serde_json::to_value(&result).unwrap(), "result");
}
