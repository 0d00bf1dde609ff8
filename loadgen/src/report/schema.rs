//! The JSON Schema of `result.json`, made from the types: names, types and words are those of the code. A test keeps
//! `result.schema.json` equal to it.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};

use super::result::{RunResult, SCHEMA_VERSION};
use crate::capacity::result::Capacity;
use crate::compare::Comparison;
use crate::planner::bill::Bill;
use crate::planner::costs::Costs;

/// What is said of the whole file.
const ABOUT: &str = "Fields are only added; a change of meaning raises schema_version. What was not measured is null or not \
                     there. A copy is one message at one member's device.";

/// The schema of a run's result, as it is written to `result.schema.json`.
#[must_use]
pub fn run_result() -> String {
    versioned::<RunResult>("Result of hubbub-load run", SCHEMA_VERSION)
}

/// The schema of an answer of `capacity`, as it is written to `capacity.schema.json`.
#[must_use]
pub fn capacity() -> String {
    versioned::<Capacity>("Answer of hubbub-load capacity", crate::capacity::result::SCHEMA_VERSION)
}

/// The schema of a comparison, as it is written to `comparison.schema.json`.
#[must_use]
pub fn comparison() -> String {
    versioned::<Comparison>("Comparison of hubbub-load compare", crate::compare::SCHEMA_VERSION)
}

/// The schema of unit costs, as it is written to `costs.schema.json`.
#[must_use]
pub fn costs() -> String {
    versioned::<Costs>("Unit costs of hubbub-load plan measure", crate::planner::costs::SCHEMA_VERSION)
}

/// The schema of a plan, as it is written to `plan.schema.json`.
#[must_use]
pub fn plan() -> String {
    versioned::<Bill>("Plan of hubbub-load plan", crate::planner::bill::SCHEMA_VERSION)
}

/// The schema of a file that says which version it has.
fn versioned<T: JsonSchema>(title: &str, version: u32) -> String {
    let mut schema = of::<T>(&format!("{title}, version {version}"), ABOUT);
    if let Some(place) = schema.pointer_mut("/properties/schema_version") {
        place["const"] = version.into();
    }
    serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n"
}

/// The schema of a type, closed: fields that it does not name are an error.
#[must_use]
pub fn of<T: JsonSchema>(title: &str, about: &str) -> Schema {
    let settings = SchemaSettings::draft2020_12().with_transform(Closed);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.insert("description".to_owned(), about.into());
    schema
}

/// Objects with named fields have no others.
#[derive(Debug, Clone, Copy)]
struct Closed;

impl Transform for Closed {
    fn transform(&mut self, schema: &mut Schema) {
        if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
        transform_subschemas(self, schema);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, schema: &str) {
        let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("HUBBUB_REGENERATE").is_some() {
            std::fs::write(&path, schema).unwrap();
        }
        let same = std::fs::read_to_string(&path).unwrap() == schema;
        assert!(same, "{file}; run: HUBBUB_REGENERATE=1 cargo test --release -p hubbub-loadgen --lib schema");
    }

    #[test]
    fn the_files_are_what_the_types_say() {
        check("result.schema.json", &run_result());
        check("capacity.schema.json", &capacity());
        check("comparison.schema.json", &comparison());
        check("costs.schema.json", &costs());
        check("plan.schema.json", &plan());
    }
}
