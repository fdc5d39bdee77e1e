//! SMTP servers made of a script, on ports of their own.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use dnsbl_types::UnixTime;
use relay_tester::{
    Assignment, DriveSettings, Go, Ground, Identity, Key, Known, Plan, Probe, RelayTarget,
    SmtpOutcome, TargetPolicy, TestId, Tier, TokenKeys,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};

/// What a server does about a command.
pub(crate) enum Act {
    /// Says these octets as they are.
    Say(&'static str),
    /// Says nothing, and waits for the peer to go away.
    Hang,
    /// Hangs up.
    Drop,
}

pub(crate) use Act::{Drop, Hang, Say};

/// From the number of the connection (from 1) and a command (empty at connecting, `.` for a message)
/// to what the server does.
pub(crate) type Script = fn(usize, &str) -> Act;

/// A running server.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    /// All commands, with the number of their connection.
    pub(crate) heard: Arc<Mutex<Vec<(usize, String)>>>,
    pub(crate) messages: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (heard, messages) = (Arc::default(), Arc::default());
        let server = Self { addr, heard: Arc::clone(&heard), messages: Arc::clone(&messages) };
        tokio::spawn(async move {
            let mut connections = 0;
            while let Ok((stream, _)) = listener.accept().await {
                connections += 1;
                let (n, heard, messages) = (connections, Arc::clone(&heard), Arc::clone(&messages));
                tokio::spawn(async move {
                    let _ = talk(BufReader::new(stream), n, script, "", &heard, &messages).await;
                });
            }
        });
        server
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|(_, line)| line.clone()).collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.heard.lock().unwrap().iter().map(|(n, _)| *n).max().unwrap_or_default()
    }

    pub(crate) fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap().clone()
    }
}

/// Plays the script from this first command on.
pub(crate) async fn talk(
    mut stream: BufReader<impl AsyncRead + AsyncWrite + Unpin>,
    n: usize,
    script: Script,
    first: &str,
    heard: &Mutex<Vec<(usize, String)>>,
    messages: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut command = first.to_owned();
    loop {
        let text = match script(n, &command) {
            Say(text) => text,
            Hang => {
                while stream.read_until(b'\n', &mut vec![]).await? > 0 {}
                return Ok(());
            }
            Drop => return Ok(()),
        };
        stream.write_all(text.as_bytes()).await?;
        let mut line = String::new();
        if command == "DATA" && text.starts_with("354") {
            while !line.ends_with("\r\n.\r\n") {
                if stream.read_line(&mut line).await? == 0 {
                    return Ok(());
                }
            }
            messages.lock().unwrap().push(line);
            ".".clone_into(&mut command);
        } else {
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            line.trim_end().clone_into(&mut command);
            heard.lock().unwrap().push((n, command.clone()));
        }
    }
}

/// Takes everything.
pub(crate) fn open(_: usize, command: &str) -> Act {
    match command {
        "" => Say("220 mail.example.net ESMTP\r\n"),
        "DATA" => Say("354 go on\r\n"),
        "QUIT" => Say("221 bye\r\n"),
        _ => Say("250 ok\r\n"),
    }
}

/// Relays nothing.
pub(crate) fn closed(n: usize, command: &str) -> Act {
    match command {
        command if command.starts_with("RCPT") => Say("554 5.7.1 Relay access denied\r\n"),
        command => open(n, command),
    }
}

/// Before this a token of these tests holds.
pub(crate) const EXPIRES_AT: UnixTime = UnixTime(4_000_000_000);

pub(crate) fn keys() -> Arc<TokenKeys> {
    Arc::new(TokenKeys::new(Key { id: 1, secret: [7; 32] }, vec![]))
}

pub(crate) fn assignment(addr: SocketAddr) -> Assignment {
    let policy = TargetPolicy {
        allow: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        ports: relay_tester::Ports::Any,
        ..TargetPolicy::default()
    };
    let name = |text: &str| text.parse().unwrap();
    Assignment {
        test: TestId(0x0123_4567_89ab_cdef),
        target: RelayTarget::new(addr.ip(), addr.port(), &policy).unwrap(),
        ground: Ground::Owner,
        domain: None,
        ptr: None,
        receiver: None,
        expires_at: EXPIRES_AT,
        date: UnixTime(1_800_000_000),
        identity: Arc::new(Identity::new(name("relaytest.example.org"), name("probe.example.org"))),
        keys: keys(),
    }
}

pub(crate) fn plan(tier: Tier) -> Plan {
    Plan::select(tier, Known::default())
}

/// Quick, and on loopback only.
pub(crate) fn settings() -> DriveSettings {
    let pause = std::time::Duration::ZERO;
    DriveSettings {
        connection_pause: pause,
        probe_pause: pause,
        loopback_only: true,
        ..DriveSettings::default()
    }
}

/// Notes what happens, and stops before the probe of this number.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) events: Vec<String>,
    pub(crate) stop_before: Option<usize>,
    pub(crate) begun: usize,
}

impl relay_tester::ProbeObserver for Notes {
    async fn before(&mut self, probe: &'static Probe) -> Go {
        if self.stop_before == Some(self.begun) {
            return Go::Stop;
        }
        self.begun += 1;
        self.events.push(format!("before {}", probe.name));
        Go::On
    }

    async fn after(&mut self, probe: &'static Probe, outcome: &SmtpOutcome) {
        let word = match outcome {
            SmtpOutcome::Refused { .. } => "refused",
            SmtpOutcome::Deferred { .. } => "deferred",
            SmtpOutcome::Accepted { .. } => "accepted",
            SmtpOutcome::Error { .. } => "error",
        };
        self.events.push(format!("{word} {}", probe.name));
    }
}
