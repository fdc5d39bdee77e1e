//! What the server says of itself.

use admin_api_types as api;
use reqwest::Method;
use serde_json::{Map, Value};

use super::figures::Figures;
use crate::{client::Client, document::Document};

/// The server's word about itself.
pub(super) struct State {
    pub(super) healthz: String,
    readyz: String,
    /// What that says, unless somebody else answers in the server's place.
    pub(super) readiness: Option<api::Readiness>,
    pub(super) ready: bool,
    /// None without a token that may see them.
    pub(super) zones: Option<Document<api::Zones>>,
    /// None where they are not shown to us.
    pub(super) figures: Option<Figures>,
    /// Why there are no zones, though there is a token.
    pub(super) refusal: Option<anyhow::Error>,
}

impl State {
    /// Asks for it.
    pub(super) async fn ask(client: &Client) -> anyhow::Result<Self> {
        let (_, healthz) = client.probe("/healthz").await?;
        let (status, readyz) = client.probe("/readyz").await?;
        let readiness: Option<api::Readiness> = serde_json::from_str(&readyz).ok();
        let ready =
            status.is_success() && readiness.as_ref().is_none_or(|readiness| readiness.ready);
        let (status, metrics) = client.probe("/metrics").await?;
        let figures = status.is_success().then(|| Figures::read(&metrics));
        let mut state =
            Self { healthz, readyz, readiness, ready, zones: None, figures, refusal: None };
        if client.has_token {
            match client.ask(client.v1(Method::GET, &["zones"])).await {
                Ok(zones) => state.zones = Some(zones),
                Err(err) => state.refusal = Some(err),
            }
        }
        Ok(state)
    }

    /// Put together from what the server sent, which has its members in order.
    pub(super) fn to_json(&self) -> String {
        let [healthz, readyz] = [&self.healthz, &self.readyz].map(|text| json_text(text));
        let zones = self.zones.as_ref().map_or("null", |zones| zones.text.trim());
        let metrics = self.figures.as_ref().map_or(Value::Null, |figures| {
            Value::Object(
                figures.series().map(|(name, value)| (name, value.into())).collect::<Map<_, _>>(),
            )
        });
        format!(
            "{{\"healthz\":{healthz},\"readyz\":{readyz},\"zones\":{zones},\"metrics\":{metrics}}}"
        )
    }
}

/// What a probe says as JSON: as it is, or as a string.
fn json_text(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(_) => text.trim().to_owned(),
        Err(_) => Value::from(text.trim()).to_string(),
    }
}
