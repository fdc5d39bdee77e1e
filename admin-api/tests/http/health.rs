//! `/readyz`: how the server is.

use serde_json::Value;

use crate::fixture::Fixture;

/// The words of a failure named files to whoever asked.
#[tokio::test]
async fn only_a_token_is_told_what_exactly_failed() {
    let fixture = Fixture::new().await;
    let stranger = fixture.ask_as("", "GET", "/readyz").send().await;
    assert_eq!(
        (&stranger.json["detail"], stranger.text.contains("/secret")),
        (&Value::Null, false)
    );
    let holder = fixture.get("/readyz").await;
    assert_eq!(holder.json["detail"], "/secret");
    assert_eq!(holder.json["version"], env!("CARGO_PKG_VERSION"));
    assert!(holder.json["uptime_seconds"].is_u64() && holder.json["started_at"].is_string());
}
