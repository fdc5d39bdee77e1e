//! Where an answer leads: what was made by a POST is found by its `id`, what was put by the path that it was put under.

use serde_json::{Map, Value, json};

use super::walk::{each_operation, name_of};

/// An operation that others lead to.
struct Operation {
    path: String,
    method: String,
    name: String,
}

/// Adds links to the answers that make something.
pub(super) fn add(description: &mut Value) {
    let mut all = Vec::new();
    each_operation(description, |path, method, operation| {
        let name = name_of(operation).to_owned();
        all.push(Operation { path: path.into(), method: method.into(), name });
    });
    each_operation(description, |path, method, operation| {
        let links = match method {
            "post" => links_by_id(path, &all),
            "put" => links_by_path(path, &all),
            _ => Map::new(),
        };
        if links.is_empty() {
            return;
        }
        // A POST that answers 200 has made nothing new.
        let made: &[&str] = if method == "put" { &["200", "201"] } else { &["201", "202"] };
        for status in made {
            if let Some(response) = operation["responses"].get_mut(status) {
                response["links"] = Value::Object(links.clone());
            }
        }
    });
}

/// Those of a resource that its collection makes.
fn links_by_id(path: &str, all: &[Operation]) -> Map<String, Value> {
    let below = format!("{path}/{{id}}");
    let leads = |to: &&Operation| to.path == below || to.path.starts_with(&format!("{below}/"));
    let parameters = json!({"id": "$response.body#/id"});
    all.iter().filter(leads).map(|to| link(to, &parameters)).collect()
}

/// The other methods of the same path.
fn links_by_path(path: &str, all: &[Operation]) -> Map<String, Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameters: Value = names
        .map(|name| (name.to_owned(), Value::from(format!("$request.path.{name}"))))
        .collect::<Map<_, _>>()
        .into();
    let leads = |to: &&Operation| to.path == path && to.method != "put";
    all.iter().filter(leads).map(|to| link(to, &parameters)).collect()
}

fn link(to: &Operation, parameters: &Value) -> (String, Value) {
    (to.name.clone(), json!({"operationId": to.name, "parameters": parameters}))
}
