//! Many reports in one body: NDJSON, or CSV under a header.

use admin_api_types::ReportBody;
use axum::http::HeaderMap;

use crate::{
    error::Problem,
    extract::{essence, parse_json},
};

/// The most rows of a body.
pub(crate) const MAX_ROWS: usize = 10_000;

/// The columns of CSV, of which `ip` is another name of the first.
const COLUMNS: [&str; 9] = [
    "subject",
    "ip",
    "category",
    "zone",
    "count",
    "comment",
    "evidence",
    "first_seen",
    "last_seen",
];

/// A row, or why it is none.
pub(crate) type Row = Result<ReportBody, String>;

/// The rows of a body, by its media type.
pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Row>, Problem> {
    let rows = match essence(headers).to_ascii_lowercase().as_str() {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => ndjson(body),
        "text/csv" => csv(body)?,
        other => {
            return Err(Problem::unsupported(format!(
                "Content-Type {other:?} is neither application/x-ndjson nor text/csv"
            )));
        }
    };
    match rows.len() {
        0 => Err(Problem::refused("there is no row")),
        count if count > MAX_ROWS => {
            Err(Problem::too_large(format!("there are more than {MAX_ROWS} rows")))
        }
        _ => Ok(rows),
    }
}

fn ndjson(body: &[u8]) -> Vec<Row> {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let rows = lines.filter(|line| !line.is_empty()).take(MAX_ROWS + 1);
    rows.map(|line| parse_json(line).map(|json| json.0).map_err(|err| err.of_row().1)).collect()
}

fn csv(body: &[u8]) -> Result<Vec<Row>, Problem> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(false).from_reader(body);
    let header = reader.headers().map_err(|err| Problem::malformed(format!("csv: {err}")))?;
    if let Some(other) = header.iter().find(|name| !COLUMNS.contains(name)) {
        let known = COLUMNS.join(", ");
        return Err(Problem::malformed(format!("csv: the column {other:?} is none of {known}")));
    }
    let header = header.clone();
    let rows = reader.into_records().take(MAX_ROWS + 1);
    let row = |record: csv::Result<csv::StringRecord>| {
        record.and_then(|record| record.deserialize(Some(&header))).map_err(|err| told(&err))
    };
    Ok(rows.map(row).collect())
}

/// Without the place, which is the row.
fn told(err: &csv::Error) -> String {
    match err.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} cells, the header {expected_len}")
        }
        csv::ErrorKind::Utf8 { err, .. } => err.to_string(),
        _ => err.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn rows(kind: &'static str, body: &str) -> Result<Vec<Result<String, String>>, u16> {
        let headers = [("content-type".parse().unwrap(), HeaderValue::from_static(kind))];
        let rows = read(&HeaderMap::from_iter(headers), body.as_bytes());
        let rows = rows.map_err(|problem| problem.status())?;
        let shown = |body: ReportBody| serde_json::to_string(&body).unwrap();
        Ok(rows.into_iter().map(|row| row.map(shown)).collect())
    }

    #[test]
    fn a_row_that_is_wrong_leaves_the_others_alone() {
        let body = "{\"ip\":\"192.0.2.1\",\"category\":\"spam\"}\r\n\n[1]\n{\"subject\":1}\n";
        let rows_read = rows("application/x-ndjson; charset=utf-8", body).unwrap();
        assert_eq!(rows_read[0].as_deref(), Ok(r#"{"subject":"192.0.2.1","category":"spam"}"#));
        assert!(rows_read[1..].iter().all(Result::is_err) && rows_read.len() == 3);
        let csv = "category,ip,count,comment\nspam,192.0.2.1,3,\"a, b\"\nspam,192.0.2.2\nspams,192.0.2.3,,\nspam,192.0.2.4,,\n";
        let rows_read = rows("text/csv", csv).unwrap();
        assert_eq!(
            rows_read[0].as_deref(),
            Ok(r#"{"subject":"192.0.2.1","category":"spam","count":3,"comment":"a, b"}"#)
        );
        assert!(rows_read[1].as_ref().unwrap_err().contains("2 cells"), "{rows_read:?}");
        assert!(rows_read[2].as_ref().unwrap_err().contains("spams"), "{rows_read:?}");
        assert_eq!(rows_read[3].as_deref(), Ok(r#"{"subject":"192.0.2.4","category":"spam"}"#));
    }

    #[test]
    fn a_body_that_is_no_table_is_refused() {
        assert_eq!(rows("application/json", "{}"), Err(415));
        assert_eq!(rows("text/csv", "subject,category,colour\n"), Err(400));
        assert_eq!(rows("text/csv", "subject,category\n"), Err(422));
        assert_eq!(rows("application/x-ndjson", "\n\n"), Err(422));
        assert_eq!(rows("application/x-ndjson", &"{}\n".repeat(MAX_ROWS + 1)), Err(413));
        assert!(rows("application/x-ndjson", &"{}\n".repeat(MAX_ROWS)).is_ok());
    }
}
