//! What requests may cost by the configuration.

use admin_api::Limits;

use crate::Config;

/// The limits of the API.
pub(crate) fn limits(config: &Config) -> Limits {
    let http = &config.http;
    let believed = config.relay_tester.as_ref().and_then(|tester| tester.anonymous.as_ref());
    Limits {
        max_connections: http.connections,
        max_per_network: http.connections_per_network,
        proxies: http.proxies.iter().chain(believed.into_iter().flatten()).copied().collect(),
        body_bytes: http.body_limit,
        import_bytes: http.import_limit,
        max_imports: http.imports,
        max_imports_per_token: http.imports / 2,
        max_scans: http.searches,
        max_scans_per_token: http.searches / 2,
        metrics_open: http.open_metrics,
        openapi_open: http.open_metrics,
        hosts: http.hosts.clone(),
        ..Limits::default()
    }
}
