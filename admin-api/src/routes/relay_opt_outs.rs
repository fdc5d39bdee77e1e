//! `/v1/relay-opt-outs`: networks that are not tested.

use std::sync::Arc;

use axum::{Json as AxumJson, extract::State, http::StatusCode, response::Response};
use ipnet::IpNet;

use super::{changed, gone, relay_tests::tester};
use crate::{
    app::App,
    auth::{Caller, RelayTestsRead, RelayTestsWrite},
    error::Problem,
    extract::{Nothing, Params, Path, unslash},
    v1::{
        problem::ProblemOut,
        relay_test::{OptOutOut, OptOutsOut},
    },
};

/// Lists the networks whose owners do not want to be tested.
#[utoipa::path(get, path = "/v1/relay-opt-outs", tag = "relay tests",
    security(("token" = ["relay-tests:read"])),
    responses((status = 200, body = OptOutsOut), (status = "default", body = ProblemOut)))]
pub(crate) async fn list_opt_outs(
    _: Caller<RelayTestsRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
) -> Result<AxumJson<OptOutsOut>, Problem> {
    let mut networks = tester(&app)?.opt_outs();
    networks.sort_unstable();
    Ok(AxumJson(OptOutsOut { opt_outs: networks.iter().map(ToString::to_string).collect() }))
}

/// Tests a network no more. What is listed stays so until it expires.
#[utoipa::path(put, path = "/v1/relay-opt-outs/{prefix}", tag = "relay tests",
    security(("token" = ["relay-tests:write"])),
    params(("prefix" = String, Path, description = "Address or prefix, percent-encoded")),
    responses((status = 200, body = OptOutOut), (status = "default", body = ProblemOut)))]
pub(crate) async fn put_opt_out(
    caller: Caller<RelayTestsWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(prefix): Path<String>,
) -> Result<Response, Problem> {
    let network = network(&unslash(&prefix))?;
    let seq = tester(&app)?.opt_out(network, caller.actor()).await?;
    let seq = seq.ok_or_else(|| Problem::refused("as many networks as can be opted out are"))?;
    Ok(changed(StatusCode::OK, seq, OptOutOut { prefix: network.to_string() }))
}

/// Ends an opt-out.
#[utoipa::path(delete, path = "/v1/relay-opt-outs/{prefix}", tag = "relay tests",
    security(("token" = ["relay-tests:write"])),
    params(("prefix" = String, Path, description = "Address or prefix, percent-encoded")),
    responses((status = 204, description = "It may be tested again"),
        (status = "default", body = ProblemOut)))]
pub(crate) async fn delete_opt_out(
    caller: Caller<RelayTestsWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(prefix): Path<String>,
) -> Result<Response, Problem> {
    let network = network(&unslash(&prefix))?;
    let seq = tester(&app)?.opt_in(network, caller.actor()).await?;
    let detail = || format!("{network} is not opted out");
    Ok(gone(seq.ok_or_else(|| Problem::not_found("not-opted-out", detail()))?))
}

/// An address, or a prefix without host bits.
fn network(text: &str) -> Result<IpNet, Problem> {
    if let Ok(address) = text.parse() {
        return Ok(IpNet::from(std::net::IpAddr::to_canonical(&address)));
    }
    let network: IpNet = text
        .parse()
        .map_err(|_| Problem::malformed(format!("prefix: {text:?} is no address or prefix")))?;
    match network.trunc() {
        right if right == network => Ok(network),
        right => Err(Problem::malformed(format!("prefix: {text} has host bits; it is {right}"))),
    }
}
