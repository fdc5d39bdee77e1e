//! Telling the postmaster of a host that it was listed: over SMTP, to the host itself, at most once in
//! seven days, with a null sender so that nothing is ever bounced.

use std::{sync::Arc, time::Duration};

use dnsbl_types::UnixTime;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor, address::Envelope,
    transport::smtp::extension::ClientId,
};

use super::{RecordsError, Tester, actor, now, records::put_host};
use crate::life::Test;

/// Seconds between two notices to one host.
const INTERVAL: u64 = 7 * 24 * 3600;
/// How long the host may take for each reply.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a notice was not sent.
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
}

impl Tester {
    /// Tells the postmasters of hosts that were just listed, unless that was done a short time ago.
    pub(super) fn give_notice(self: &Arc<Self>) {
        for test in std::mem::take(&mut *self.to_tell()) {
            let tester = self.clone();
            tokio::spawn(async move {
                if let Err(err) = tester.notify_postmaster(&test).await {
                    tracing::info!(test = %test.id, %err, "the postmaster of a listed host was not told");
                }
            });
        }
    }

    async fn notify_postmaster(&self, test: &Test) -> Result<(), NoticeError> {
        if !self.note_notice(test, now()).await? {
            return Ok(());
        }
        let identity = &self.settings.identity;
        let literal = match test.address {
            std::net::IpAddr::V4(v4) => format!("[{v4}]"),
            std::net::IpAddr::V6(v6) => format!("[IPv6:{v6}]"),
        };
        let to = Address::new("postmaster", &literal)?;
        let envelope = Envelope::new(None, vec![to])?;
        let host =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(test.address.to_string())
                .port(test.port)
                .timeout(Some(PATIENCE))
                .hello_name(ClientId::Domain(identity.ehlo.to_string()))
                .build();
        host.send_raw(&envelope, self.notice_text(test, &literal).as_bytes()).await?;
        Ok(())
    }

    /// Notes that the postmaster is told now; `false` where that was done a short time ago. What is
    /// noted and then not sent, since the server was killed, is not sent at all.
    async fn note_notice(&self, test: &Test, now: UnixTime) -> Result<bool, RecordsError> {
        let Some(host) = self.records.host(test.address).await? else { return Ok(false) };
        let last = host.value.noticed_at;
        if last.is_some_and(|last| last.plus(INTERVAL) > now) {
            return Ok(false);
        }
        let mut noted = host.value.clone();
        noted.noticed_at = Some(now);
        let part = put_host(&noted, noted.due(now), Some(&host))?;
        self.records.write(actor(), vec![part]).await?;
        Ok(true)
    }

    fn notice_text(&self, test: &Test, literal: &str) -> String {
        let (identity, zone) = (&self.settings.identity, &self.settings.zone);
        let (address, id) = (test.address, test.id.to_string());
        let page = identity.lookup_url.as_ref().map(|url| url.fill(&address.to_string(), &id));
        let page = page.map(|page| format!("    {page}")).unwrap_or_default();
        let from = format!("{}@{}", identity.mail_from_local, identity.probe_domain);
        let lines = [
            format!("From: {from}"),
            format!("To: postmaster@{literal}"),
            format!("Subject: {address} relays mail for anyone and is now listed in {zone}"),
            format!("Message-ID: <notice-{id}@{}>", identity.probe_domain),
            "MIME-Version: 1.0".into(),
            "Content-Type: text/plain; charset=utf-8".into(),
            "Content-Transfer-Encoding: 8bit".into(),
            "Auto-Submitted: auto-generated".into(),
            "Precedence: bulk".into(),
            String::new(),
            format!(
                "The mail server at {address} took a test message from a stranger and sent it on."
            ),
            "Spammers use such open relays, so it is listed now. What was tested, and how to be"
                .into(),
            "delisted once it is closed:".into(),
            page.clone(),
            format!("{} Questions: {}", identity.opt_out_en, identity.contact),
            String::new(),
            format!("{address} のメールサーバーは第三者からの試験メールを中継しました。"),
            format!("そのため {zone} に掲載されました。試験の内容と解除の方法:"),
            page,
            format!("{} 連絡先: {}", identity.opt_out_ja, identity.contact),
            String::new(),
        ];
        lines.join("\r\n")
    }
}
