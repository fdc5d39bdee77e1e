//! `/v1/reload`: the configuration is read again.

use std::sync::Arc;

use admin_api_types as api;
use axum::{Json as AxumJson, extract::State, http::StatusCode};

use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Nothing, Params},
    scopes::Reload,
    status::{ReloadError, Reloaded},
};

/// Reads the configuration again, with the files that it names.
///
/// What can change while the server runs does; what needs a restart is named. A bad file changes nothing (422).
#[utoipa::path(post, path = "/v1/reload", tag = "server", security(("token" = ["reload"])),
    responses((status = 200, body = api::Reload), (status = "default", body = api::Problem)))]
pub(crate) async fn reload_configuration(
    caller: Caller<Reload>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
) -> Result<AxumJson<api::Reload>, Problem> {
    caller.rights().require_every_zone("a reload")?;
    let Reloaded { changed, reread, restart } = app.server.reload(&caller.actor().name).await?;
    Ok(AxumJson(api::Reload { changed, reread, restart }))
}

impl From<ReloadError> for Problem {
    fn from(err: ReloadError) -> Self {
        match err {
            ReloadError::Bad(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "configuration", err)
            }
            ReloadError::Stopping => Self::stopping(),
        }
    }
}
