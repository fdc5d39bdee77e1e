//! The real Chromium, as a visitor of pages has it.

mod webdriver;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

use data_encoding::BASE64;
use serde_json::{Value, json};
use tempfile::TempDir;

use self::webdriver::Session;
use crate::{
    PATIENCE, Process, eventually,
    server::target_dir,
    tools::{tool, unpacked},
};

/// How long driver and browser may take to start on a busy machine.
const START: Duration = Duration::from_secs(60);
/// How often it is started where the port that it has chosen is taken.
const TRIES: usize = 10;
/// How many run at once: each has a dozen processes.
const AT_ONCE: usize = 2;

/// What the browser is started with: nothing is asked of anybody but pages on loopback.
const ARGUMENTS: [&str; 15] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    // It keeps pages of elsewhere from framing those on loopback; that ours refuse it is for them to show.
    "--disable-features=LocalNetworkAccessChecks",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.*",
];

/// A headless Chromium with a profile of its own. All its processes are killed when dropped.
pub struct Browser {
    session: Session,
    _driver: Process,
    _dir: TempDir,
    _place: Place,
}

/// How a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// In CSS pixels.
    pub width: u32,
    /// Whether the visitor likes it dark.
    pub dark: bool,
    /// Whether scripts of pages are run.
    pub scripts: bool,
}

impl Look {
    /// A wide window, light, with scripts.
    pub const WIDE: Self = Self { width: 1280, dark: false, scripts: true };
    /// A small phone, light, with scripts.
    pub const NARROW: Self = Self { width: 320, ..Self::WIDE };

    /// The same in the dark.
    pub const fn dark(self) -> Self {
        Self { dark: true, ..self }
    }

    /// The same without scripts.
    pub const fn without_scripts(self) -> Self {
        Self { scripts: false, ..self }
    }
}

/// Height of the window, in CSS pixels.
const HEIGHT: u32 = 800;

impl Browser {
    /// Starts one, as soon as there are few enough of them.
    #[track_caller]
    pub fn start() -> Self {
        let place = Place::take();
        let dir = TempDir::new().expect("a temporary folder");
        fs::write(dir.path().join("fonts.conf"), fonts(dir.path())).expect("it is writable");
        let mut tries = (0..TRIES).filter_map(|_| start_driver(dir.path()));
        let (driver, addr) = tries.next().expect("ChromeDriver finds a port");
        let profile = format!("--user-data-dir={}", dir.path().join("profile").display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([&*profile]).collect();
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": tool("chromium"), "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
            // A dialog that nobody expects fails the next command.
            "unhandledPromptBehavior": "dismiss and notify",
            // A page may come a little after what leads to it (section 11.1).
            "timeouts": {"implicit": PATIENCE.as_millis()},
        });
        let session = Session::start(addr, &capabilities);
        let session = session.unwrap_or_else(|err| panic!("{err:#}; {}", driver.stderr()));
        Self { session, _driver: driver, _dir: dir, _place: place }
    }

    /// Looks at pages this way from now on.
    #[track_caller]
    pub fn look(&self, look: Look) {
        self.resize(look.width, HEIGHT);
        self.emulate(look.dark, "");
        self.devtools("Emulation.setScriptExecutionDisabled", &json!({"value": !look.scripts}));
    }

    /// Looks at pages as they are printed, until [`Self::look`].
    #[track_caller]
    pub fn look_at_print(&self) {
        self.emulate(true, "print");
    }

    fn emulate(&self, dark: bool, media: &str) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.devtools("Emulation.setEmulatedMedia", &json!({"media": media, "features": features}));
    }

    fn resize(&self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Follows a URL, as if it had been typed.
    #[track_caller]
    pub fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// Where it is now.
    #[track_caller]
    pub fn url(&self) -> String {
        self.session.get("/url").expect("it says").as_str().unwrap_or_default().to_owned()
    }

    /// Goes back, as the button does.
    #[track_caller]
    pub fn back(&self) {
        self.post("/back", &json!({}));
    }

    /// The cookies that go along with this page, with what keeps scripts and other sites from them (section 14).
    #[track_caller]
    pub fn cookies(&self) -> Vec<Value> {
        let cookies = self.session.get("/cookie").expect("it says");
        cookies.as_array().cloned().unwrap_or_default()
    }

    /// Runs a function's body in the page, whatever the page allows; gives what it returns.
    #[track_caller]
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// The text that a visitor reads in the first element of a selector.
    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        let text = self.session.get(&format!("/element/{}/text", self.find(selector)));
        text.expect("it is there").as_str().unwrap_or_default().to_owned()
    }

    /// Clicks the first element of a selector.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        self.post(&format!("/element/{}/click", self.find(selector)), &json!({}));
    }

    /// Types a text into a field, in place of what stands in it.
    #[track_caller]
    pub fn fill(&self, selector: &str, text: &str) {
        let field = self.find(selector);
        self.post(&format!("/element/{field}/clear"), &json!({}));
        self.post(&format!("/element/{field}/value"), &json!({"text": text}));
    }

    /// Presses a key where the focus is.
    #[track_caller]
    pub fn press(&self, key: char) {
        let actions = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        let keyboard = json!([{"type": "key", "id": "keyboard", "actions": actions}]);
        self.post("/actions", &json!({"actions": keyboard}));
    }

    /// What the page has logged since the last call: errors, and what its policy forbade.
    #[track_caller]
    pub fn log(&self) -> Vec<String> {
        let entries = self.post("/se/log", &json!({"type": "browser"}));
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| entry["message"].as_str().unwrap_or_default().into()).collect()
    }

    /// Keeps a picture of the whole page below the target folder.
    #[track_caller]
    pub fn keep_picture(&self, name: &str) -> PathBuf {
        let size = self.run(
            "return [innerWidth, Math.max(innerHeight, document.documentElement.scrollHeight)]",
        );
        let [width, height] = [0, 1].map(|at| size[at].as_u64().expect("a size in pixels"));
        let clip =
            json!({"x": 0, "y": 0, "width": width, "height": height.min(16_000), "scale": 1});
        let taken = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let taken = self.devtools("Page.captureScreenshot", &taken);
        keep(&format!("{name}.png"), &decoded(&taken["data"]))
    }

    /// What the window shows, as PNG.
    #[track_caller]
    pub fn picture(&self) -> Vec<u8> {
        decoded(&self.session.get("/screenshot").expect("a picture is taken"))
    }

    /// Makes the window so wide and high, until [`Self::look`].
    #[track_caller]
    pub fn set_window(&self, width: u32, height: u32) {
        self.resize(width, height);
    }

    /// Keeps the page as it is printed on A4, below the target folder; gives the PDF.
    #[track_caller]
    pub fn keep_print(&self, name: &str) -> Vec<u8> {
        let paper = json!({"page": {"width": 21.0, "height": 29.7}});
        let pdf = decoded(&self.post("/print", &paper));
        keep(&format!("{name}.pdf"), &pdf);
        pdf
    }

    #[track_caller]
    fn find(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({"using": "css selector", "value": selector}));
        // The name of a reference to an element (section 12.1).
        let id = found["element-6066-11e4-a52e-4f735466cecf"].as_str();
        id.unwrap_or_else(|| panic!("{selector}: {found}")).to_owned()
    }

    #[track_caller]
    fn post(&self, command: &str, parameters: &Value) -> Value {
        self.session.post(command, parameters).unwrap_or_else(|err| panic!("{err:#}"))
    }

    #[track_caller]
    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.session.devtools(command, parameters).unwrap_or_else(|err| panic!("{err:#}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // What does not end this way is killed with its namespace.
        let _ = self.session.end();
    }
}

/// The folder of pictures and prints.
pub fn pictures() -> PathBuf {
    target_dir().join("pages")
}

fn keep(name: &str, content: &[u8]) -> PathBuf {
    let path = pictures().join(name);
    fs::create_dir_all(pictures()).expect("the target folder is writable");
    fs::write(&path, content).expect("the target folder is writable");
    path
}

#[track_caller]
fn decoded(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("it is sent as a text");
    BASE64.decode(text.as_bytes()).expect("it is sent in Base64")
}

/// Starts ChromeDriver, and tells where it listens. It takes a port that is free on ::1; `None` where another one has that
/// here, for which it ends.
#[track_caller]
fn start_driver(dir: &Path) -> Option<(Process, SocketAddr)> {
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
    command.arg(tool("chromedriver")).arg("--port=0");
    // Whatever it leaves behind goes with the folder.
    for variable in ["HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"] {
        command.env(variable, dir);
    }
    command.env("FONTCONFIG_FILE", dir.join("fonts.conf"));
    command.env("DBUS_SESSION_BUS_ADDRESS", "disabled:");
    let driver = Process::start(&mut command).expect("ChromeDriver starts");
    let port = eventually(START, || {
        let said = driver.stdout();
        match port(&said) {
            None if said.contains("port not available") => Ok(None),
            None => Err(said + &driver.stderr()),
            found => Ok(found),
        }
    });
    port.map(|port| (driver, SocketAddr::from(([127, 0, 0, 1], port))))
}

/// The port in `ChromeDriver was started successfully on port 33445.`
fn port(said: &str) -> Option<u16> {
    let (_, rest) = said.split_once("successfully on port ")?;
    rest.split_once('.')?.0.parse().ok()
}

/// Fonts that are the same on every machine: those unpacked with the browser.
fn fonts(dir: &Path) -> String {
    let family = |name: &str, fonts: &[&str]| {
        let fonts: String = fonts.iter().map(|font| format!("<family>{font}</family>")).collect();
        format!("<alias><family>{name}</family><prefer>{fonts}</prefer></alias>\n")
    };
    format!(
        "<?xml version=\"1.0\"?>\n<fontconfig>\n<dir>{}</dir>\n<cachedir>{}</cachedir>\n{}{}{}</fontconfig>\n",
        unpacked().join("usr/share/fonts").display(),
        dir.join("fonts").display(),
        family("sans-serif", &["DejaVu Sans", "VL PGothic"]),
        family("system-ui", &["DejaVu Sans", "VL PGothic"]),
        family("monospace", &["DejaVu Sans Mono", "VL Gothic"]),
    )
}

/// A place among the browsers that may run.
struct Place;

static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

impl Place {
    fn take() -> Self {
        let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let running = ENDED.wait_while(running, |running| *running >= AT_ONCE);
        *running.unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ENDED.notify_one();
    }
}
