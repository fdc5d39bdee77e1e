//! All formats that imports and feeds take, and what they need to know beside the name.

use std::{fmt, str::FromStr};

use crate::{lists::ListFormat, rbldnsd::Dataset};

/// A format of an import or a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// Whichever of the others reads the beginning, but rbldnsd's.
    Auto,
    /// One subject a line.
    Plain,
    /// Columns: a header names the fields of a listing, or one column holds the subjects.
    Csv(Option<Field>),
    /// A JSON object a line: a listing, or something that holds a subject.
    Ndjson(Option<Field>),
    /// JSON documents that hold subjects.
    Json(Field),
    /// A list as others publish it.
    List(ListFormat),
    /// A data set of rbldnsd.
    Rbldnsd(Dataset),
}

/// Where in a row or a document the subject stands: the name or number of a column; the names of members from the
/// outside in, with dots between them and `|` between those of which there is one or the other, where arrays are walked
/// through. 1 to 200 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field(String);

/// A text that is no [`Field`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a field is 1 to 200 bytes without control characters, such as ip or data.cidr")]
pub struct FieldError;

/// The reason why there is no such format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// No format has this name.
    #[error("{given:?} is none of {all}", all = Format::NAMES.join(", "))]
    Unknown {
        /// As typed.
        given: String,
    },
    /// No data set of rbldnsd has this name, or it is missing.
    #[error("dataset: {0}")]
    Dataset(String),
    /// Something was given that does not belong to the format, or is missing.
    #[error("{0}")]
    Mismatch(&'static str),
    /// The field is none.
    #[error("field: {0}")]
    Field(#[from] FieldError),
}

impl Format {
    /// The names of all formats.
    pub const NAMES: [&str; 12] = [
        "auto", "plain", "csv", "ndjson", "json", "rbldnsd", "ranges", "netmask", "netset",
        "hosts", "rpz", "adblock",
    ];

    /// The format of this name; `dataset` belongs to rbldnsd, `field` to csv, ndjson and json.
    ///
    /// # Errors
    /// There is none of this name, or it does not go with `dataset` or `field`.
    pub fn new(
        name: &str,
        dataset: Option<&str>,
        field: Option<&str>,
    ) -> Result<Self, FormatError> {
        let field: Option<Field> = field.map(str::parse).transpose()?;
        let format = match name {
            "auto" => Self::Auto,
            "plain" => Self::Plain,
            "csv" => Self::Csv(field.clone()),
            "ndjson" => Self::Ndjson(field.clone()),
            "json" => {
                let missing =
                    "field: is missing: json needs the name of the member that holds subjects";
                Self::Json(field.clone().ok_or(FormatError::Mismatch(missing))?)
            }
            "rbldnsd" => {
                let missing = || {
                    FormatError::Dataset(
                        "is missing; it is ip4set, ip4trie, dnset or the like".into(),
                    )
                };
                let dataset = dataset.ok_or_else(missing)?;
                Self::Rbldnsd(
                    dataset.parse().map_err(|err| FormatError::Dataset(format!("{err}")))?,
                )
            }
            name => match name.parse() {
                Ok(list) => Self::List(list),
                Err(()) => {
                    return Err(FormatError::Unknown { given: name.chars().take(40).collect() });
                }
            },
        };
        let takes_field = matches!(format, Self::Csv(_) | Self::Ndjson(_) | Self::Json(_));
        match (&format, dataset, &field) {
            (Self::Rbldnsd(_), _, None) | (_, None, None) => Ok(format),
            (_, None, Some(_)) if takes_field => Ok(format),
            (Self::Rbldnsd(_), ..) | (_, None, Some(_)) => {
                Err(FormatError::Mismatch("field: belongs to the formats csv, ndjson and json"))
            }
            (_, Some(_), _) => Err(FormatError::Mismatch("dataset: belongs to the format rbldnsd")),
        }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Plain => "plain",
            Self::Csv(_) => "csv",
            Self::Ndjson(_) => "ndjson",
            Self::Json(_) => "json",
            Self::List(list) => list.as_str(),
            Self::Rbldnsd(_) => "rbldnsd",
        }
    }

    /// The type of its data set, if it has one.
    pub fn dataset(&self) -> Option<String> {
        match self {
            Self::Rbldnsd(dataset) => Some(dataset.to_string()),
            _ => None,
        }
    }

    /// Where the subjects stand, if that is told.
    pub fn field(&self) -> Option<&Field> {
        match self {
            Self::Csv(field) | Self::Ndjson(field) => field.as_ref(),
            Self::Json(field) => Some(field),
            _ => None,
        }
    }
}

impl Field {
    /// As typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number of a column, from 1 on, if it is one.
    pub fn number(&self) -> Option<usize> {
        self.0.parse().ok().filter(|number| *number > 0)
    }

    /// The members from the outside in, each with the names that it may have.
    pub fn members(&self) -> Vec<Vec<&str>> {
        self.0.split('.').map(|names| names.split('|').collect()).collect()
    }
}

impl FromStr for Field {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let is_field = (1..=200).contains(&text.len()) && !text.chars().any(char::is_control);
        is_field.then(|| Self(text.into())).ok_or(FieldError)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_format_and_reads_back() {
        for name in Format::NAMES {
            let dataset = (name == "rbldnsd").then_some("ip4set");
            let field = (name == "json").then_some("data.ip");
            let format = Format::new(name, dataset, field).unwrap();
            assert_eq!(format.name(), name);
            assert_eq!(
                (format.dataset().as_deref(), format.field().map(Field::as_str)),
                (dataset, field)
            );
        }
    }

    #[test]
    fn what_does_not_belong_to_a_format_is_refused() {
        for (name, dataset, field, part) in [
            ("plane", None, None, "none of auto, plain"),
            ("json", None, None, "field: is missing"),
            ("plain", None, Some("ip"), "field: belongs to"),
            ("rbldnsd", Some("ip4set"), Some("ip"), "field: belongs to"),
            ("rbldnsd", None, None, "dataset: is missing"),
            ("rbldnsd", Some("ip5set"), None, "dataset: "),
            ("csv", Some("ip4set"), None, "dataset: belongs to"),
            ("csv", None, Some(""), "field: a field is"),
        ] {
            let err = Format::new(name, dataset, field).unwrap_err().to_string();
            assert!(err.contains(part), "{name}: {err}");
        }
    }
}
