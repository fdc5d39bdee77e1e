//! What the description of the API says beside what handlers and types say of themselves: what names mean wherever they stand,
//! examples, errors that many operations have, and where an answer leads.

mod errors;
mod examples;
mod links;
mod names;

use serde_json::{Map, Value};

/// Completes a description.
///
/// # Errors
///
/// Where one of the files that it is completed from is no JSON of its form.
pub(crate) fn complete(mut description: Value) -> Result<Value, serde_json::Error> {
    names::apply(&mut description)?;
    errors::add(&mut description);
    links::add(&mut description);
    examples::add(&mut description)?;
    Ok(description)
}

/// Each operation with its path and its method.
fn each_operation(description: &mut Value, mut visit: impl FnMut(&str, &str, &mut Value)) {
    for (path, methods) in members(&mut description["paths"]) {
        for (method, operation) in members(methods) {
            visit(path, method, operation);
        }
    }
}

fn name_of(operation: &Value) -> &str {
    operation["operationId"].as_str().unwrap_or_default()
}

/// The members of an object; none of anything else.
fn members(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flat_map(Map::iter_mut)
}

/// The parameters of an operation.
fn parameters(operation: &mut Value) -> impl Iterator<Item = &mut Value> {
    operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten()
}
