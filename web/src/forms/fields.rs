//! What was typed into a form.

use axum::{
    body::to_bytes,
    extract::Request,
    http::{HeaderMap, header},
};

/// The largest form, in bytes as it is sent: 16 KiB of text take up to three times as many.
const MAX_BYTES: usize = 64 << 10;
/// Fields that are looked at.
const MAX_FIELDS: usize = 32;

/// The fields of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a form as browsers send it (HTML, `application/x-www-form-urlencoded`); `None` where it is none, or
    /// too large.
    pub(super) async fn read(request: Request) -> Option<Self> {
        let (parts, body) = request.into_parts();
        if !is_form(&parts.headers) {
            return None;
        }
        let bytes = to_bytes(body, MAX_BYTES).await.ok()?;
        Some(Self::parse(&bytes))
    }

    /// What stands in the query of a link to a form.
    pub(crate) fn of_query(query: Option<&str>) -> Self {
        Self::parse(query.unwrap_or_default().as_bytes())
    }

    fn parse(bytes: &[u8]) -> Self {
        let pairs = url::form_urlencoded::parse(bytes).take(MAX_FIELDS);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// What was typed, without blanks around it; empty where there is no such field.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(own, _)| own == name);
        found.map_or("", |(_, value)| value.trim())
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};

    use super::{Fields, MAX_BYTES};

    fn request(kind: &str, body: String) -> Request<Body> {
        Request::post("/").header("content-type", kind).body(Body::from(body)).unwrap()
    }

    #[tokio::test]
    async fn a_form_is_read_and_nothing_else_is() {
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        let fields = Fields::read(request(kind, "a=+1%20&b=%3C%E6%97%A5&a=2".into())).await;
        let fields = fields.unwrap();
        assert_eq!((fields.get("a"), fields.get("b"), fields.get("c")), ("1", "<日", ""));
        for kind in ["application/json", "multipart/form-data; boundary=x", "text/plain", ""] {
            assert_eq!(Fields::read(request(kind, "a=1".into())).await, None, "{kind}");
        }
        let large = format!("a={}", "x".repeat(MAX_BYTES));
        assert_eq!(Fields::read(request(kind, large)).await, None);
        let many = "a=1&".repeat(5000);
        assert_eq!(Fields::read(request(kind, many)).await.unwrap().0.len(), 32);
    }
}
