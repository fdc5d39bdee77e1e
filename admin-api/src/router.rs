//! The API's index: which handler answers where.

use std::sync::{Arc, LazyLock};

use axum::{Extension, Router, handler::Handler as _, middleware::from_fn_with_state};
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::{Api, App},
    layers::{self, RoutePolicy},
    routes::{
        allowlist, audit, backup, changes, check, export, feeds, grants, health, import, listings,
        logins, openapi, problems, purge, relay_opt_outs, relay_tests, reload, removal_requests,
        reporters, reports, review, search, sources, subjects, subscribers, tokens, undo, usage,
        webhooks, zones,
    },
};

/// The API as a service.
pub fn router(api: Api) -> Router {
    build(App::new(api, CancellationToken::new()))
}

/// The API as a service that hears of the shutdown.
pub(crate) fn build(app: App) -> Router {
    let app = Arc::new(app);
    let layer = |policy| from_fn_with_state((app.clone(), policy), layers::request_layer);
    let answers = RoutePolicy { requires_index: true, has_deadline: true };
    let streams = RoutePolicy { requires_index: true, has_deadline: false };
    let always = RoutePolicy { requires_index: false, has_deadline: true };
    let about = Router::from(about()).layer(Extension(&DESCRIPTION));
    Router::from(resources())
        .layer(layer(answers))
        .merge(Router::from(bulk()).layer(layer(streams)))
        .merge(about.layer(layer(always)))
        .fallback(layers::no_route.layer(layer(always)))
        .method_not_allowed_fallback(layers::no_method.layer(layer(always)))
        .with_state(app)
}

/// What `/openapi.json` says. It is made when somebody asks: to write it takes more time and memory than to start.
static DESCRIPTION: LazyLock<String> = LazyLock::new(|| {
    let described = OpenApiRouter::with_openapi(openapi::Description::openapi());
    let described = described.merge(resources()).merge(bulk()).merge(about());
    openapi::to_json(described.into_openapi())
});

/// What is read and changed.
fn resources() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(zones::list_zones))
        .routes(routes!(zones::find_zone, zones::put_zone, zones::delete_zone))
        .routes(routes!(search::search_listings))
        .routes(routes!(listings::find_listing, listings::put_listing, listings::delete_listing))
        .routes(routes!(check::check_subjects))
        .routes(routes!(audit::list_audit_records))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::find_token, tokens::put_token, tokens::delete_token))
        .routes(routes!(tokens::rotate_token))
        .routes(routes!(subscribers::list_subscribers, subscribers::create_subscriber))
        .routes(routes!(
            subscribers::find_subscriber,
            subscribers::put_subscriber,
            subscribers::delete_subscriber
        ))
        .routes(routes!(subscribers::rotate_subscriber))
        .routes(routes!(relay_tests::list_relay_tests, relay_tests::submit_relay_test))
        .routes(routes!(relay_tests::find_relay_test, relay_tests::cancel_relay_test))
        .routes(routes!(relay_opt_outs::list_opt_outs))
        .routes(routes!(relay_opt_outs::put_opt_out, relay_opt_outs::delete_opt_out))
        .routes(routes!(logins::report_login))
        .routes(routes!(logins::report_dovecot_event))
        .routes(routes!(logins::report_cyrus_event))
        .routes(routes!(logins::report_policy))
        .routes(routes!(grants::list_grants))
        .routes(routes!(grants::revoke_grant))
        .routes(routes!(usage::show_subscriber_usage))
        .routes(routes!(usage::show_usage))
        .routes(routes!(usage::show_top))
        .routes(routes!(feeds::list_feeds))
        .routes(routes!(allowlist::list_allow_entries))
        .routes(routes!(
            allowlist::find_allow_entry,
            allowlist::put_allow_entry,
            allowlist::delete_allow_entry
        ))
        .routes(routes!(feeds::find_feed, feeds::put_feed, feeds::delete_feed))
        .routes(routes!(reports::list_reports, reports::create_report))
        .routes(routes!(reports::find_report))
        .routes(routes!(reports::confirm_report))
        .routes(routes!(reports::refute_report))
        .routes(routes!(reporters::list_reporters))
        .routes(routes!(
            removal_requests::list_removal_requests,
            removal_requests::create_removal_request
        ))
        .routes(routes!(removal_requests::find_removal_request))
        .routes(routes!(removal_requests::find_removal_request_by_ticket))
        .routes(routes!(removal_requests::confirm_removal_request))
        .routes(routes!(review::list_review_items))
        .routes(routes!(review::find_review_item))
        .routes(routes!(review::claim_review_item))
        .routes(routes!(review::release_review_item))
        .routes(routes!(review::decide_review_item))
        .routes(routes!(sources::list_sources))
        .routes(routes!(sources::put_source))
        .routes(routes!(search::search_zones))
        .routes(routes!(subjects::show_subject))
        .routes(routes!(webhooks::list_webhooks, webhooks::create_webhook))
        .routes(routes!(webhooks::find_webhook, webhooks::put_webhook, webhooks::delete_webhook))
        .routes(routes!(webhooks::rotate_webhook))
}

/// What may take as long as there is something to do.
fn bulk() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(import::import_listings))
        .routes(routes!(export::export_listings))
        .routes(routes!(changes::list_changes))
        .routes(routes!(feeds::run_feed))
        .routes(routes!(reports::create_reports))
        .routes(routes!(purge::purge_listings))
        .routes(routes!(undo::undo_change))
        .routes(routes!(backup::take_backup))
}

/// How the server is, and what it can do: answered before anything is loaded.
fn about() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(health::show_health))
        .routes(routes!(health::show_readiness))
        .routes(routes!(health::show_metrics))
        .routes(routes!(reload::reload_configuration))
        .routes(routes!(openapi::show_openapi))
        .routes(routes!(problems::list_problem_types))
        .routes(routes!(problems::show_problem_type))
}
