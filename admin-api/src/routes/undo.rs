//! `POST /v1/undo`: taking a change back.

use std::sync::Arc;

use admin_api_types as api;
use axum::{extract::State, http::StatusCode, response::Response};
use dnsbl_store::OperationResult;
use dnsbl_types::UnixTime;

use super::changed;
use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::{DryRun, Json, Params},
    scopes::UndoAny,
};

/// Undoes a change: of listings, of a zone's settings, of a source, an import, a purge, or an undo.
///
/// It is a change of its own, after which all is as it was before that one. 409 where something later rests on the
/// change, which the problem names; then nothing is undone. 410 where what an undo needs is no longer kept. 422 where
/// there is no undoing such a change.
#[utoipa::path(post, path = "/v1/undo", tag = "changes", security(("token" = ["undo"])),
    params(DryRun,
        ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it is done once")),
    request_body = api::UndoBody,
    responses((status = 200, body = api::UndoResult), (status = "default", body = api::Problem)))]
pub(crate) async fn undo_change(
    caller: Caller<UndoAny>,
    State(app): State<Arc<App>>,
    Params(DryRun { dry_run }): Params<DryRun>,
    Json(body): Json<api::UndoBody>,
) -> Result<Response, Problem> {
    caller.rights().permit_undo()?;
    let of = match body {
        api::UndoBody { seq: Some(seq), import: None } => seq,
        api::UndoBody { seq: None, import: Some(id) } => change_of(&app, id).await?,
        _ => return Err(Problem::malformed("name the change by one of seq and import")),
    };
    let permit = app.imports.take(caller.token_id())?;
    let store = app.store();
    let staged = app.block(move || {
        let _permit = permit;
        Ok(store.stage_undo(of, dry_run, UnixTime::now())?)
    });
    let done = app.change_or_dry_run(caller.permit(staged.await?)?, dry_run).await?;
    let OperationResult::Undone { of, counts } = done.result else {
        return Err(Problem::internal());
    };
    if !dry_run && let Err(err) = app.removals.reopen(of).await {
        tracing::warn!(change = of, %err, "requests for removal whose removal was undone are not open again");
    }
    let result = api::UndoResult {
        undone: of,
        added: counts.added,
        updated: counts.updated,
        removed: counts.removed,
        seq: done.seq,
    };
    Ok(changed(StatusCode::OK, done.seq, result))
}

/// The change that an import, a purge or an undo of many listings was.
pub(crate) async fn change_of(app: &App, id: String) -> Result<u64, Problem> {
    app.read(move |reader| match reader.change_of_import(&id)? {
        Some(seq) => Ok(seq),
        None => {
            let detail = format!(
                "no import or purge {id} is known; it may have changed nothing, or be too long ago"
            );
            Err(Problem::not_found("no-such-change", detail))
        }
    })
    .await
}
