//! What names mean: a parameter or a member that is called `zone` is a domain name, wherever it stands. `names.json` says so
//! for all of them, and what differs for some (`of`: OPERATION.PARAMETER and SCHEMA.MEMBER), and what holds between
//! the members of a schema.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::walk::{each_operation, members, name_of, parameters};

const NAMES: &str = include_str!("names.json");

/// Keywords of JSON Schema.
type Keywords = Map<String, Value>;

#[derive(Deserialize)]
struct Names {
    names: Map<String, Value>,
    of: Map<String, Value>,
    schemas: Map<String, Value>,
}

/// Says what names mean.
pub(super) fn apply(description: &mut Value) -> Result<(), serde_json::Error> {
    let names: Names = serde_json::from_str(NAMES)?;
    correct(description);
    for (name, schema) in members(&mut description["components"]["schemas"]) {
        names.apply_to_members(name, schema);
        if let (Some(schema), Some(Value::Object(more))) =
            (schema.as_object_mut(), names.schemas.get(name))
        {
            schema.extend(more.clone());
        }
    }
    each_operation(description, |_, _, operation| {
        let name = name_of(operation).to_owned();
        for parameter in parameters(operation) {
            let called = parameter["name"].as_str().unwrap_or_default().to_owned();
            let schema = &mut parameter["schema"];
            // What is left out is not null.
            if let Some(kind) = schema["type"].get(0).cloned() {
                schema["type"] = kind;
            }
            names.apply(&name, &called, schema);
        }
    });
    Ok(())
}

impl Names {
    /// Applies what is said of a member to those of an object, however deep in the schema they stand.
    fn apply_to_members(&self, owner: &str, schema: &mut Value) {
        if let Value::Array(parts) = schema {
            parts.iter_mut().for_each(|part| self.apply_to_members(owner, part));
            return;
        }
        for (keyword, part) in members(schema) {
            if keyword == "properties" {
                members(part).for_each(|(name, member)| self.apply(owner, name, member));
            }
            self.apply_to_members(owner, part);
        }
    }

    fn apply(&self, owner: &str, name: &str, schema: &mut Value) {
        let said = self.of.get(&format!("{owner}.{name}")).or_else(|| self.names.get(name));
        if let Some(Value::Object(keywords)) = said {
            merge(keywords, schema);
        }
    }
}

/// Adds keywords where they have a meaning. Of an array they are about its items, but for how many those are.
fn merge(keywords: &Keywords, schema: &mut Value) {
    if schema["items"]["type"].is_null() {
        return merge_into(keywords, schema);
    }
    let (of_array, of_items): (Keywords, Keywords) =
        keywords.clone().into_iter().partition(|(keyword, _)| keyword.ends_with("Items"));
    if let Value::Object(schema) = schema {
        schema.extend(of_array);
    }
    merge_into(&of_items, &mut schema["items"]);
}

fn merge_into(keywords: &Keywords, schema: &mut Value) {
    let kind = schema["type"].clone();
    let has_kind = |wanted: &[&str]| match &kind {
        Value::Array(kinds) => kinds.iter().any(|kind| wanted.iter().any(|wanted| kind == wanted)),
        kind => wanted.iter().any(|wanted| kind == wanted),
    };
    let is_about = |keyword: &str| match keyword {
        "minimum" | "maximum" => has_kind(&["integer", "number"]),
        "pattern" | "format" | "minLength" | "maxLength" | "enum" => has_kind(&["string"]),
        _ => true,
    };
    let Value::Object(schema) = schema else { return };
    if kind.is_null() || !keywords.keys().all(|keyword| is_about(keyword)) {
        return;
    }
    for (keyword, value) in keywords {
        let mut value = value.clone();
        if let (true, Value::Array(words)) = (kind.is_array() && keyword == "enum", &mut value) {
            words.push(Value::Null);
        }
        schema.insert(keyword.clone(), value);
    }
}

/// Corrects what the derived schemas say: unsigned numbers end where such numbers end, and what has several forms is of any of
/// them, since a body of one form may fit others as well.
fn correct(schema: &mut Value) {
    match schema {
        Value::Array(parts) => parts.iter_mut().for_each(correct),
        Value::Object(keywords) => {
            bound(keywords);
            if let Some(forms) = keywords.remove("oneOf") {
                keywords.insert("anyOf".into(), forms);
            }
            keywords.values_mut().for_each(correct);
        }
        _ => {}
    }
}

/// Says of an unsigned number that it is one.
fn bound(keywords: &mut Keywords) {
    let least = keywords.get("minimum").and_then(Value::as_f64);
    let format = keywords.get("format").and_then(Value::as_str).filter(|_| least >= Some(0.0));
    let (format, most) = match format {
        Some("int64") => ("uint64", u64::MAX),
        Some("int32") => ("uint32", u64::from(u32::MAX)),
        _ => return,
    };
    keywords.insert("format".into(), format.into());
    keywords.entry("maximum").or_insert_with(|| most.into());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{correct, merge};

    #[test]
    fn keywords_go_where_they_have_a_meaning() {
        let date = json!({"format": "date"});
        let date = date.as_object().unwrap();
        let mut list = json!({"type": ["array", "null"], "items": {"type": "string"}});
        merge(date, &mut list);
        assert_eq!(list["items"], json!({"type": "string", "format": "date"}));
        let mut number = json!({"type": "integer"});
        merge(date, &mut number);
        assert_eq!(number, json!({"type": "integer"}));
        let mut word = json!({"type": ["string", "null"]});
        merge(json!({"enum": ["a"]}).as_object().unwrap(), &mut word);
        assert_eq!(word["enum"], json!(["a", null]));
        let mut few = json!({"type": "array", "items": {"type": "string"}});
        merge(json!({"maxItems": 3, "maxLength": 9}).as_object().unwrap(), &mut few);
        assert_eq!(
            few,
            json!({"type": "array", "maxItems": 3, "items": {"type": "string", "maxLength": 9}})
        );
    }

    #[test]
    fn unsigned_numbers_are_described_as_such() {
        let mut schema = json!({"oneOf": [{"type": "integer", "format": "int64", "minimum": 0}]});
        correct(&mut schema);
        assert_eq!(
            schema,
            json!({"anyOf": [{
                "type": "integer", "format": "uint64", "minimum": 0, "maximum": u64::MAX,
            }]})
        );
    }
}
