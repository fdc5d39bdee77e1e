//! The errors that many operations have, by what they take: whatever takes a token may refuse it, and so on. What else may go
//! wrong with one of them is its `default`.

use serde_json::{Value, json};

use super::walk::{each_operation, members};
use crate::problem_pages;

/// A status, the name under which the description has it, what it says, and one of its types as an example.
struct Error(&'static str, &'static str, &'static str, &'static str, &'static str);

const MALFORMED: Error = Error(
    "400",
    "Malformed",
    "The request can't be read; the detail says where",
    "malformed",
    "limit: 0 is not within 1 to 1000",
);
const UNAUTHORIZED: Error = Error(
    "401",
    "Unauthorized",
    "No token came with the request, or none that counts",
    "unauthorized",
    "send the header `Authorization: Bearer TOKEN`",
);
const FORBIDDEN: Error = Error(
    "403",
    "Forbidden",
    "The token may not do this",
    "zone-not-permitted",
    "this token is not for the zone bl.example.org",
);
const NOT_FOUND: Error = Error(
    "404",
    "NotFound",
    "What the path or the request names is not there",
    "no-such-zone",
    "there is no zone bl.example.org",
);
const PRECONDITION: Error = Error(
    "412",
    "PreconditionFailed",
    "It is not as `If-Match` or `If-None-Match` says",
    "precondition-failed",
    "the precondition does not hold",
);
const TOO_LARGE: Error = Error(
    "413",
    "TooLarge",
    "The body is larger than what is read here",
    "too-large",
    "the body is larger than 1048576 bytes",
);
const UNSUPPORTED: Error = Error(
    "415",
    "UnsupportedMediaType",
    "The body is of a type or encoding that is not read here",
    "unsupported-media-type",
    "the body is JSON: send `Content-Type: application/json`",
);
const REFUSED: Error = Error(
    "422",
    "Refused",
    "The request breaks a rule, such as a guard; the detail says which",
    "special-use",
    "10.0.0.1 overlaps the special-use 10.0.0.0/8; override=special-use lists it all the same",
);
const TOO_MANY: Error = Error(
    "429",
    "TooMany",
    "Too much at once, or too often; `Retry-After` says when to come again",
    "too-many-requests",
    "this token, or one that it was made with, may make 60 requests a minute",
);
const UNAVAILABLE: Error = Error(
    "503",
    "Unavailable",
    "The server can't do this now, as it starts, stops, or its store takes no writes",
    "loading",
    "loading",
);
const ALL: [&Error; 10] = [
    &MALFORMED,
    &UNAUTHORIZED,
    &FORBIDDEN,
    &NOT_FOUND,
    &PRECONDITION,
    &TOO_LARGE,
    &UNSUPPORTED,
    &REFUSED,
    &TOO_MANY,
    &UNAVAILABLE,
];

/// Adds them.
pub(super) fn add(description: &mut Value) {
    for Error(status, name, meaning, word, detail) in ALL {
        let example = json!({
            "type": format!("{}{word}", problem_pages::PATH),
            "title": problem_pages::title(word),
            "status": status.parse::<u16>().unwrap_or_default(),
            "detail": detail,
        });
        let schema = json!({"$ref": "#/components/schemas/Problem"});
        let body = json!({"schema": schema, "example": example});
        description["components"]["responses"][*name] =
            json!({"description": meaning, "content": {"application/problem+json": body}});
    }
    each_operation(description, |path, _, operation| {
        // Those without problems have no `default`.
        if operation["responses"]["default"].is_null() {
            return;
        }
        let errors = errors_of(path, operation);
        for Error(status, name, ..) in errors {
            let response = &mut operation["responses"][*status];
            if response.is_null() {
                *response = json!({"$ref": format!("#/components/responses/{name}")});
            }
        }
        for (status, response) in members(&mut operation["responses"]) {
            if status == "default" {
                response["description"] = "Any other problem".into();
            }
        }
    });
}

fn errors_of(path: &str, operation: &Value) -> Vec<&'static Error> {
    let takes_token = operation["security"]
        .as_array()
        .is_some_and(|ways| ways.iter().any(|way| way.get("token").is_some()));
    let takes_tags = operation["parameters"]
        .as_array()
        .is_some_and(|parameters| parameters.iter().any(|taken| taken["name"] == "If-Match"));
    let has_body = !operation["requestBody"].is_null();
    let mut errors = vec![&MALFORMED];
    let groups: [(bool, &[&Error]); 5] = [
        (takes_token, &[&UNAUTHORIZED, &FORBIDDEN, &TOO_MANY]),
        (path.contains('{'), &[&NOT_FOUND]),
        (takes_tags, &[&PRECONDITION]),
        (has_body, &[&TOO_LARGE, &UNSUPPORTED, &REFUSED]),
        (path.starts_with("/v1/"), &[&UNAVAILABLE]),
    ];
    errors.extend(groups.iter().filter(|(has, _)| *has).flat_map(|(_, errors)| *errors));
    errors
}
