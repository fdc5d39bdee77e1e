//! WebDriver as ChromeDriver speaks it: JSON over HTTP (W3C WebDriver, sections 6 to 18).
//!
//! The client crates that there are would turn on features of crates that the server under test is made of, such as
//! the order of members in its JSON; what is needed here is a handful of requests.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail};
use reqwest::blocking::Client;
use serde_json::{Value, json};

/// How long a command may take; a page that is checked on a busy machine takes longest.
const LIMIT: Duration = Duration::from_secs(120);

/// A session: one browser with one window.
pub(super) struct Session {
    client: Client,
    url: String,
}

impl Session {
    /// Has the driver start a browser.
    pub(super) fn start(driver: SocketAddr, capabilities: &Value) -> Result<Self> {
        let client = Client::builder().no_proxy().timeout(LIMIT).build()?;
        let driver = Self { client, url: format!("http://{driver}/session") };
        let body = json!({"capabilities": {"alwaysMatch": capabilities}});
        let started = driver.post("", &body).context("starting a browser")?;
        let id = started["sessionId"].as_str().context("a session has an id")?;
        Ok(Self { url: format!("{}/{id}", driver.url), ..driver })
    }

    /// Sends a command with parameters; gives its value.
    pub(super) fn post(&self, command: &str, parameters: &Value) -> Result<Value> {
        let request = self.client.post(format!("{}{command}", self.url)).json(parameters);
        value(request).with_context(|| format!("the WebDriver command {command:?}"))
    }

    /// Asks for something.
    pub(super) fn get(&self, command: &str) -> Result<Value> {
        let request = self.client.get(format!("{}{command}", self.url));
        value(request).with_context(|| format!("the WebDriver command {command:?}"))
    }

    /// A command of the DevTools protocol, for what WebDriver has no word.
    pub(super) fn devtools(&self, command: &str, parameters: &Value) -> Result<Value> {
        let body = json!({"cmd": command, "params": parameters});
        self.post("/goog/cdp/execute", &body).with_context(|| command.to_owned())
    }

    /// Ends the browser.
    pub(super) fn end(&self) -> Result<Value> {
        value(self.client.delete(&self.url))
    }
}

fn value(request: reqwest::blocking::RequestBuilder) -> Result<Value> {
    let response = request.send()?;
    let status = response.status();
    let mut reply: Value = serde_json::from_str(&response.text()?)?;
    let value = reply["value"].take();
    if !status.is_success() {
        bail!("{}: {}", value["error"].as_str().unwrap_or_default(), value["message"]);
    }
    Ok(value)
}
