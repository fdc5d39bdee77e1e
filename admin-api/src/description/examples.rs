//! An example of each parameter that an operation needs, each body that it takes, and each answer that it gives. They are what
//! a server said.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::walk::{each_operation, name_of, parameters};

const EXAMPLES: &str = include_str!("examples.json");

/// The examples of an operation.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Examples {
    /// By name.
    parameters: Map<String, Value>,
    /// By media type.
    request: Map<String, Value>,
    /// By status and media type.
    responses: BTreeMap<String, Map<String, Value>>,
}

/// Adds them.
pub(super) fn add(description: &mut Value) -> Result<(), serde_json::Error> {
    let examples: BTreeMap<String, Examples> = serde_json::from_str(EXAMPLES)?;
    each_operation(description, |_, _, operation| {
        let Some(examples) = examples.get(name_of(operation)) else { return };
        for parameter in parameters(operation) {
            let name = parameter["name"].as_str().unwrap_or_default();
            if let Some(example) = examples.parameters.get(name) {
                parameter["example"] = example.clone();
            }
        }
        if let Some(body) = operation.get_mut("requestBody") {
            add_to(body, &examples.request);
        }
        for (status, examples) in &examples.responses {
            if let Some(response) = operation["responses"].get_mut(status) {
                add_to(response, examples);
            }
        }
    });
    Ok(())
}

fn add_to(body: &mut Value, examples: &Map<String, Value>) {
    for (media_type, example) in examples {
        if let Some(content) = body["content"].get_mut(media_type) {
            content["example"] = example.clone();
        }
    }
}
