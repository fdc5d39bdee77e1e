//! Notices to the postmaster of a host that it was listed: over SMTP, to the host itself, at most once in
//! seven days, with a null sender so that nothing is ever bounced.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use dnsbl_types::UnixTime;
use lettre::{
    Address,
    address::Envelope,
    transport::smtp::{client::AsyncSmtpConnection, extension::ClientId},
};
use tokio::time::{error::Elapsed, timeout};

use super::{
    records::{Notice, RecordsError, put},
    shared::Shared,
};
use crate::{
    life::{Host, Test},
    message::{date, quoted_printable},
    probe::literal,
    text::clean,
};

/// Seconds between two notices to one host, also where it was delisted in between.
const INTERVAL: u64 = 7 * 24 * 3600;
/// How long the host may take for a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take for everything.
const PATIENCE: Duration = Duration::from_secs(300);
/// How many notices are forgotten in one round.
const ROUND: usize = 256;
/// How many characters of an error are logged.
const MAX_WORDS: usize = 300;

/// The reason why a notice was not sent.
#[derive(Debug, thiserror::Error)]
enum NoticeError {
    #[error(transparent)]
    Records(#[from] RecordsError),
    #[error(transparent)]
    Address(#[from] lettre::address::AddressError),
    #[error(transparent)]
    Envelope(#[from] lettre::error::Error),
    #[error(transparent)]
    Smtp(#[from] lettre::transport::smtp::Error),
    #[error("it takes too long")]
    TooSlow(#[from] Elapsed),
}

/// The notices that are due.
pub(super) struct Notices {
    shared: Arc<Shared>,
    /// Tests whose hosts were just listed.
    queue: Mutex<Vec<Test>>,
}

impl Notices {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, queue: Mutex::default() }
    }

    /// Has the postmaster of a host get a notice that it was listed, if there are notices at all.
    pub(super) fn enqueue(&self, test: &Test) {
        if self.shared.settings.notice {
            self.queue().push(test.clone());
            self.shared.wake.notify_one();
        }
    }

    /// Sends the notices that are due, unless another one was sent a short time ago.
    pub(super) fn send_due(self: &Arc<Self>) {
        for test in std::mem::take(&mut *self.queue()) {
            let notices = self.clone();
            tokio::spawn(async move {
                if let Err(err) = notices.notify_postmaster(&test).await {
                    // The host's own words are among them.
                    let err: String = clean(&err.to_string()).chars().take(MAX_WORDS).collect();
                    tracing::info!(test = %test.id, %err, "the postmaster of a listed host was not told");
                }
            });
        }
    }

    /// Forgets notices that were given long ago.
    pub(super) async fn forget_old(&self, now: UnixTime) -> Result<(), RecordsError> {
        for notice in self.shared.records.due::<Notice>(now, ROUND).await? {
            self.shared.records.write_if_fresh(vec![notice.delete()]).await?;
        }
        Ok(())
    }

    fn queue(&self) -> MutexGuard<'_, Vec<Test>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn notify_postmaster(&self, test: &Test) -> Result<(), NoticeError> {
        if self.record(test, UnixTime::now()).await? {
            timeout(PATIENCE, self.send(test)).await??;
        }
        Ok(())
    }

    async fn send(&self, test: &Test) -> Result<(), NoticeError> {
        let to = Address::new("postmaster", literal(test.address))?;
        let envelope = Envelope::new(None, vec![to])?;
        let ehlo = ClientId::Domain(self.shared.settings.identity.ehlo.to_string());
        let mut host = AsyncSmtpConnection::connect_tokio1(
            (test.address, test.port),
            Some(CONNECT_PATIENCE),
            &ehlo,
            None,
            self.shared.settings.drive.sources.for_host(test.address),
        )
        .await?;
        host.send(&envelope, self.text(test, UnixTime::now()).as_bytes()).await?;
        // It has the message; how it says goodbye changes nothing.
        let _ = host.quit().await;
        Ok(())
    }

    /// Records that the notice is sent now; `false` where the host was listed before that test, or its
    /// postmaster got one a short time ago. What is recorded and then not sent, since the server
    /// was killed, is not sent at all.
    async fn record(&self, test: &Test, now: UnixTime) -> Result<bool, RecordsError> {
        let host = self.shared.records.of::<Host>(test.address).await?;
        if host.is_none_or(|host| host.value.listed_at < test.submitted_at) {
            return Ok(false);
        }
        let last = self.shared.records.of::<Notice>(test.address).await?;
        if last.as_ref().is_some_and(|last| now < last.value.until) {
            return Ok(false);
        }
        let until = now.plus(INTERVAL);
        let put = put(test.address, &Notice { until }, until, last.as_ref())?;
        self.shared.records.write_if_fresh(vec![put]).await
    }

    /// Header and body, with CRLF, in 7-bit ASCII: not every server takes more.
    fn text(&self, test: &Test, now: UnixTime) -> String {
        let (identity, zone) = (&self.shared.settings.identity, &self.shared.settings.zone);
        let (address, id, domain) = (test.address, test.id, &identity.probe_domain);
        let lines = [
            format!("Date: {}", date(now)),
            format!("From: Open relay tester <{}@{domain}>", identity.mail_from_local),
            format!("To: <postmaster@{}>", literal(address)),
            format!("Subject: {address} relays mail for anyone and is now listed in {zone}"),
            format!("Message-ID: <notice-{id}@{domain}>"),
            "Auto-Submitted: auto-generated".into(),
            "Precedence: bulk".into(),
            "MIME-Version: 1.0".into(),
            "Content-Type: text/plain; charset=UTF-8".into(),
            "Content-Transfer-Encoding: quoted-printable".into(),
            String::new(),
            quoted_printable(&self.body(test)),
        ];
        lines.join("\r\n")
    }

    fn body(&self, test: &Test) -> String {
        let (identity, zone, address) =
            (&self.shared.settings.identity, &self.shared.settings.zone, test.address);
        let id = test.id.to_string();
        let page = identity.lookup_url.as_ref().map(|url| url.fill(&address.to_string(), &id));
        let see_en = page.as_ref().map(|page| format!("Details: {page}\n")).unwrap_or_default();
        let see_ja = page.as_ref().map(|page| format!("詳細: {page}\n")).unwrap_or_default();
        let (contact, opt_out_en, opt_out_ja) =
            (&identity.contact, &identity.opt_out_en, &identity.opt_out_ja);
        format!(
            "\
The mail server at {address} took a test message from a stranger and
sent it on. Spammers use such open relays, so it is now listed in {zone}.
Once it is closed, ask for a test, and the listing goes.

Test: {id}
{see_en}Questions: {contact}
To be tested no more: {opt_out_en}

{address} のメールサーバーは第三者からの試験メールを中継しました。
第三者中継は迷惑メールの送信に悪用されるため、{zone} に掲載されました。
対策後に再試験を依頼し、中継しないことが確認されれば、掲載は解除されます。

試験番号: {id}
{see_ja}お問い合わせ: {contact}
試験の停止: {opt_out_ja}
"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use lettre::Address;

    use crate::probe::literal;

    #[test]
    fn rfc5321_s4_1_3_the_postmaster_of_any_host_has_an_address() {
        for (host, address) in [
            ("192.0.2.1", "postmaster@[192.0.2.1]"),
            ("2001:db8::25", "postmaster@[IPv6:2001:db8::25]"),
        ] {
            let host: IpAddr = host.parse().unwrap();
            assert_eq!(Address::new("postmaster", literal(host)).unwrap().to_string(), address);
        }
    }
}
