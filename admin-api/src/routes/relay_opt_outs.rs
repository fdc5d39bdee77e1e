//! `/v1/relay-opt-outs`: networks that are not tested.

use std::sync::Arc;

use admin_api_types as api;
use axum::{Json as AxumJson, extract::State, http::StatusCode, response::Response};
use dnsbl_types::Subject;
use ipnet::IpNet;

use super::{changed, gone, relay_tests::tester_for};
use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Nothing, Params, Path, unslash},
    scopes::{RelayOptOutsWrite, RelayTestsRead},
};

/// Lists the networks whose owners do not want to be tested.
#[utoipa::path(get, path = "/v1/relay-opt-outs", tag = "relay tests",
    security(("token" = ["relay-tests:read"])),
    responses((status = 200, body = api::RelayOptOuts), (status = "default", body = api::Problem)))]
pub(crate) async fn list_opt_outs(
    caller: Caller<RelayTestsRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
) -> Result<AxumJson<api::RelayOptOuts>, Problem> {
    let mut networks = tester_for(&app, caller.rights())?.opt_outs().await;
    networks.sort_unstable();
    Ok(AxumJson(api::RelayOptOuts { opt_outs: networks.iter().map(ToString::to_string).collect() }))
}

/// Tests a network no more: a prefix of at least /8 (IPv4) or /19 (IPv6). What is listed stays so until
/// it expires.
#[utoipa::path(put, path = "/v1/relay-opt-outs/{prefix}", tag = "relay tests",
    security(("token" = ["relay-opt-outs:write"])),
    params(("prefix" = String, Path, description = "Address or prefix, percent-encoded")),
    responses((status = 200, body = api::RelayOptOut), (status = "default", body = api::Problem)))]
pub(crate) async fn put_opt_out(
    caller: Caller<RelayOptOutsWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(prefix): Path<String>,
) -> Result<Response, Problem> {
    let network = network(&unslash(&prefix))?;
    check_length(network)?;
    caller.rights().prefixes().permit(&Subject::from_net(network))?;
    let opted_out = tester_for(&app, caller.rights())?.opt_out(network, caller.actor()).await?;
    let full = || Problem::refused("as many networks as can be opted out are");
    let seq = opted_out.ok_or_else(full)?;
    Ok(changed(StatusCode::OK, seq, api::RelayOptOut { prefix: network.to_string() }))
}

/// Ends an opt-out.
#[utoipa::path(delete, path = "/v1/relay-opt-outs/{prefix}", tag = "relay tests",
    security(("token" = ["relay-opt-outs:write"])),
    params(("prefix" = String, Path, description = "Address or prefix, percent-encoded")),
    responses((status = 204, description = "It may be tested again"),
        (status = "default", body = api::Problem)))]
pub(crate) async fn delete_opt_out(
    caller: Caller<RelayOptOutsWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(prefix): Path<String>,
) -> Result<Response, Problem> {
    let network = network(&unslash(&prefix))?;
    caller.rights().prefixes().permit(&Subject::from_net(network))?;
    let seq = tester_for(&app, caller.rights())?.opt_in(network, caller.actor()).await?;
    let detail = || format!("{network} is not opted out");
    Ok(gone(seq.ok_or_else(|| Problem::not_found("not-opted-out", detail()))?))
}

/// Refuses what is more than any one owner has: a slip of the finger would end all tests.
fn check_length(network: IpNet) -> Result<(), Problem> {
    let shortest = if network.addr().is_ipv4() { SHORTEST_V4 } else { SHORTEST_V6 };
    if network.prefix_len() >= shortest {
        return Ok(());
    }
    let detail = format!("prefix: {network} is shorter than /{shortest}");
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "short-prefix", detail))
}

/// The shortest prefixes that one owner may have; the guards of listings have the same.
const SHORTEST_V4: u8 = 8;
const SHORTEST_V6: u8 = 19;

/// An address, or a prefix without host bits; IPv4 inside IPv6 is IPv4, as hosts are.
fn network(text: &str) -> Result<IpNet, Problem> {
    if let Ok(address) = text.parse() {
        return Ok(IpNet::from(std::net::IpAddr::to_canonical(&address)));
    }
    let network: IpNet = text
        .parse()
        .map_err(|_| Problem::malformed(format!("prefix: {text:?} is no address or prefix")))?;
    match network.trunc() {
        right if right == network => Ok(Subject::from_net(network).net().unwrap_or(network)),
        right => Err(Problem::malformed(format!("prefix: {text} has host bits; it is {right}"))),
    }
}
