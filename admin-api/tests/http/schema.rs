//! Whether a value is as its schema in the description says: as much of JSON Schema as the description uses.

use dnsbl_types::{Name, ReturnCode, Subject};
use regex::Regex;
use serde_json::Value;

/// Keywords that say nothing of what is valid.
const ANNOTATIONS: [&str; 6] =
    ["default", "description", "example", "title", "$schema", "propertyNames"];

/// Why a value is not as a schema says, with the place in the value; none if it is.
pub(crate) fn mismatch(description: &Value, schema: &Value, value: &Value) -> Option<String> {
    Check { description }.value(schema, value, "").err()
}

struct Check<'a> {
    /// What references lead into.
    description: &'a Value,
}

impl Check<'_> {
    fn value(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let Some(keywords) = schema.as_object() else {
            return if schema == &Value::Bool(true) {
                Ok(())
            } else {
                Err(format!("{at}: not allowed"))
            };
        };
        for (keyword, said) in keywords {
            self.keyword(keyword, said, schema, value, at)?;
        }
        Ok(())
    }

    fn keyword(
        &self,
        keyword: &str,
        said: &Value,
        schema: &Value,
        value: &Value,
        at: &str,
    ) -> Result<(), String> {
        let wrong = || Err(format!("{at}: {value} is not as {keyword} says: {said}"));
        let ok = |is: bool| if is { Ok(()) } else { wrong() };
        let number = || said.as_f64().unwrap();
        let length = || said.as_u64().unwrap() as usize;
        match keyword {
            "$ref" => {
                let path = said.as_str().unwrap().trim_start_matches('#');
                let schema = self.description.pointer(path);
                self.value(schema.unwrap_or_else(|| panic!("{said} leads nowhere")), value, at)
            }
            "type" => ok(match said {
                Value::Array(kinds) => kinds.iter().any(|kind| is_of(kind, value)),
                kind => is_of(kind, value),
            }),
            "enum" => ok(said.as_array().unwrap().contains(value)),
            "minimum" => ok(value.as_f64().is_none_or(|is| is >= number())),
            "maximum" => ok(value.as_f64().is_none_or(|is| is <= number())),
            "minLength" => ok(value.as_str().is_none_or(|is| is.chars().count() >= length())),
            "maxLength" => ok(value.as_str().is_none_or(|is| is.chars().count() <= length())),
            "minItems" => ok(value.as_array().is_none_or(|is| is.len() >= length())),
            "maxItems" => ok(value.as_array().is_none_or(|is| is.len() <= length())),
            "pattern" => {
                let pattern = Regex::new(said.as_str().unwrap()).unwrap();
                ok(value.as_str().is_none_or(|is| pattern.is_match(is)))
            }
            "format" => ok(value.as_str().is_none_or(|is| has_format(said.as_str().unwrap(), is))),
            "required" => ok(value.as_object().is_none_or(|is| {
                said.as_array().unwrap().iter().all(|name| is.contains_key(name.as_str().unwrap()))
            })),
            "properties" => {
                value.as_object().into_iter().flatten().try_for_each(|(name, member)| {
                    said.get(name).map_or(Ok(()), |schema| {
                        self.value(schema, member, &format!("{at}/{name}"))
                    })
                })
            }
            "additionalProperties" => {
                value.as_object().into_iter().flatten().try_for_each(|(name, member)| {
                    match schema["properties"].get(name) {
                        Some(_) => Ok(()),
                        None => self.value(said, member, &format!("{at}/{name}")),
                    }
                })
            }
            "items" => value
                .as_array()
                .into_iter()
                .flatten()
                .enumerate()
                .try_for_each(|(n, item)| self.value(said, item, &format!("{at}/{n}"))),
            "allOf" => {
                said.as_array().unwrap().iter().try_for_each(|schema| self.value(schema, value, at))
            }
            "anyOf" | "oneOf" => {
                let tried =
                    said.as_array().unwrap().iter().map(|schema| self.value(schema, value, at));
                let (fit, not): (Vec<_>, Vec<_>) = tried.partition(Result::is_ok);
                match fit.len() {
                    1 => Ok(()),
                    0 => Err(not
                        .into_iter()
                        .filter_map(Result::err)
                        .collect::<Vec<_>>()
                        .join("; or ")),
                    _ if keyword == "anyOf" => Ok(()),
                    _ => wrong(),
                }
            }
            "not" => ok(self.value(said, value, at).is_err()),
            annotation if ANNOTATIONS.contains(&annotation) => Ok(()),
            unknown => panic!("{at}: this test knows no keyword {unknown}; teach it"),
        }
    }
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
    }
}

fn has_format(format: &str, text: &str) -> bool {
    match format {
        "date" => text.parse::<jiff::civil::Date>().is_ok(),
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "ip-address" => text.parse::<std::net::IpAddr>().is_ok(),
        "ip-prefix" => matches!(text.parse(), Ok(Subject::V4(_) | Subject::V6(_))),
        "subject" => text.parse::<Subject>().is_ok(),
        "domain-name" => text.parse::<Name>().is_ok(),
        "return-code" => text.parse::<ReturnCode>().is_ok(),
        "uri" | "iri" => text.contains("://"),
        "email" => text.split_once('@').is_some_and(|(of, at)| !of.is_empty() && at.contains('.')),
        "cursor" => !text.is_empty(),
        _ => panic!("this test knows no format {format}; teach it"),
    }
}
