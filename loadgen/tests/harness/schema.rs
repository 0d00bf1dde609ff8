//! `result.json` is what `result.schema.json` says: every field of one is in the other, with its type.

use serde_json::Value;

use super::fake::Fault;
use super::{run_against, scenario};

/// Checks the few words of JSON Schema that the file uses, and refuses a schema that uses others.
fn check(schema: &Value, root: &Value, value: &Value, path: &str) {
    let schema = match schema.get("$ref") {
        Some(reference) => {
            root.pointer(reference.as_str().unwrap().trim_start_matches('#')).expect("a reference resolves")
        }
        None => schema,
    };
    const WORDS: [&str; 12] = [
        "$schema",
        "title",
        "description",
        "$defs",
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "anyOf",
        "const",
    ];
    for word in schema.as_object().unwrap().keys() {
        assert!(WORDS.contains(&word.as_str()), "{path}: the schema uses `{word}`");
    }
    if let Some(choices) = schema.get("anyOf") {
        let is_null = |choice: &&Value| choice["type"] == "null";
        if !value.is_null() {
            let other = choices.as_array().unwrap().iter().find(|choice| !is_null(choice)).unwrap();
            check(other, root, value, path);
        }
        return;
    }
    if let Some(expected) = schema.get("const") {
        assert_eq!(value, expected, "{path}");
    }
    if let Some(choices) = schema.get("enum") {
        assert!(choices.as_array().unwrap().contains(value), "{path}: {value}");
    }
    if let Some(types) = schema.get("type") {
        let named = |name: &Value| match name.as_str().unwrap() {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("{path}: unknown type {other}"),
        };
        let fits = types.as_array().map_or_else(|| named(types), |types| types.iter().any(named));
        assert!(fits, "{path}: {value} is not {types}");
    }
    for (at, element) in value.as_array().into_iter().flatten().enumerate() {
        check(&schema["items"], root, element, &format!("{path}[{at}]"));
    }
    if let Some(fields) = value.as_object() {
        check_fields(schema, root, fields, path);
    }
}

fn check_fields(schema: &Value, root: &Value, fields: &serde_json::Map<String, Value>, path: &str) {
    for required in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        assert!(fields.contains_key(required.as_str().unwrap()), "{path}.{required} is missing");
    }
    for (name, value) in fields {
        let known = schema.get("properties").and_then(|properties| properties.get(name));
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        let part = known.or(others).unwrap_or_else(|| panic!("{path}.{name} is not in the schema"));
        check(part, root, value, &format!("{path}.{name}"));
    }
}

#[test]
fn results_are_what_the_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../../result.schema.json")).unwrap();
    for (name, fault) in [("direct", Fault::Nothing), ("group", Fault::Nothing), ("direct", Fault::LoseBody)] {
        let mut scenario = scenario(name, 12);
        scenario.group.iter_mut().for_each(|group| group.members = 6);
        let result = serde_json::to_value(run_against(fault, scenario)).unwrap();
        check(&schema, &schema, &result, "result");
    }
}
