//! What the description of the API says beside what handlers and types say of themselves: what names mean wherever they stand,
//! examples, errors that many operations have, and where an answer leads.

mod errors;
mod examples;
mod links;
mod names;
mod walk;

use serde_json::Value;

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
