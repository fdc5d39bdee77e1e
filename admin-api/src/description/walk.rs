//! Ways through a description.

use serde_json::{Map, Value};

/// Each operation with its path and its method.
pub(super) fn each_operation(
    description: &mut Value,
    mut visit: impl FnMut(&str, &str, &mut Value),
) {
    for (path, methods) in members(&mut description["paths"]) {
        for (method, operation) in members(methods) {
            visit(path, method, operation);
        }
    }
}

/// The name of an operation.
pub(super) fn name_of(operation: &Value) -> &str {
    operation["operationId"].as_str().unwrap_or_default()
}

/// The members of an object; none of anything else.
pub(super) fn members(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flat_map(Map::iter_mut)
}

/// The parameters of an operation.
pub(super) fn parameters(operation: &mut Value) -> impl Iterator<Item = &mut Value> {
    operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten()
}
