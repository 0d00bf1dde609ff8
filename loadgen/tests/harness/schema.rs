//! `result.json` is what `result.schema.json` says: every field of one is in the other, with its type.

use serde_json::Value;

use super::fake::Fault;
use super::{run_against, scenario};

/// Words of JSON Schema that are checked here, or say nothing that could be wrong.
const WORDS: [&str; 20] = [
    "$schema",
    "$ref",
    "title",
    "description",
    "default",
    "$defs",
    "type",
    "format",
    "minimum",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "enum",
    "anyOf",
    "oneOf",
    "const",
];

/// Checks a value by the few words that the schema uses, and refuses a schema that uses others.
pub(crate) fn check(schema: &Value, root: &Value, value: &Value, path: &str) -> Result<(), String> {
    let Some(words) = schema.as_object() else {
        return Ok(());
    };
    if let Some(word) = words.keys().find(|word| !WORDS.contains(&word.as_str())) {
        panic!("{path}: the schema uses `{word}`");
    }
    if let Some(reference) = schema.get("$ref") {
        let part = root.pointer(reference.as_str().unwrap().trim_start_matches('#')).expect("a reference resolves");
        check(part, root, value, path)?;
    }
    for choices in ["anyOf", "oneOf"].into_iter().filter_map(|word| schema.get(word)) {
        let tried: Vec<_> = choices.as_array().unwrap().iter().map(|part| check(part, root, value, path)).collect();
        if tried.iter().all(Result::is_err) {
            return Err(format!("{path}: {value} is none of {tried:?}"));
        }
    }
    let is = |good: bool| if good { Ok(()) } else { Err(format!("{path}: {value} is not {schema}")) };
    is(schema.get("const").is_none_or(|expected| value == expected))?;
    is(schema.get("enum").is_none_or(|choices| choices.as_array().unwrap().contains(value)))?;
    is(schema.get("minimum").is_none_or(|minimum| !value.is_number() || value.as_f64() >= minimum.as_f64()))?;
    is(schema.get("type").is_none_or(|types| match types.as_array() {
        Some(types) => types.iter().any(|name| has_type(value, name)),
        None => has_type(value, types),
    }))?;
    for (at, element) in value.as_array().into_iter().flatten().enumerate() {
        let part = schema.pointer(&format!("/prefixItems/{at}")).or(schema.get("items"));
        part.map_or(Ok(()), |part| check(part, root, element, &format!("{path}[{at}]")))?;
    }
    value.as_object().map_or(Ok(()), |fields| check_fields(schema, root, fields, path))
}

fn has_type(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("unknown type {other}"),
    }
}

fn check_fields(
    schema: &Value,
    root: &Value,
    fields: &serde_json::Map<String, Value>,
    path: &str,
) -> Result<(), String> {
    for required in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        let name = required.as_str().unwrap();
        fields.get(name).ok_or_else(|| format!("{path}.{name} is missing"))?;
    }
    let Some(properties) = schema.get("properties") else {
        return match schema.get("additionalProperties") {
            Some(part) => {
                fields.iter().try_for_each(|(name, value)| check(part, root, value, &format!("{path}.{name}")))
            }
            None => Ok(()),
        };
    };
    assert_eq!(schema["additionalProperties"], Value::Bool(false), "{path}: objects are closed");
    fields.iter().try_for_each(|(name, value)| {
        let part = properties.get(name).ok_or_else(|| format!("{path}.{name} is not in the schema"))?;
        check(part, root, value, &format!("{path}.{name}"))
    })
}

#[test]
fn results_are_what_the_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../../result.schema.json")).unwrap();
    for (name, fault) in [("direct", Fault::Nothing), ("group", Fault::Nothing), ("direct", Fault::LoseBody)] {
        let mut scenario = scenario(name, 12);
        scenario.group.iter_mut().for_each(|group| group.members = 6);
        let result = serde_json::to_value(run_against(fault, scenario)).unwrap();
        check(&schema, &schema, &result, "result").unwrap();
        check_that_it_can_fail(&schema, result);
    }
}

fn check_that_it_can_fail(schema: &Value, result: Value) {
    let broken: [fn(&mut Value); 4] = [
        |result| result["verdict"] = "nobody".into(),
        |result| result["ledger"]["lost"] = "none".into(),
        |result| drop(result.as_object_mut().unwrap().remove("ledger")),
        |result| result["series"][0]["unknown"] = 1.into(),
    ];
    for damage in broken {
        let mut result = result.clone();
        damage(&mut result);
        assert!(check(schema, schema, &result, "result").is_err());
    }
}
