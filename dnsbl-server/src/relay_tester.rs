//! The tester of open relays as this server runs it.

mod figures;

use std::{fs, io::ErrorKind, path::Path, sync::Arc};

use anyhow::{Context, bail, ensure};
use dnsbl_store::Store;
use prometheus::Registry;
use relay_tester::{
    DriveSettings, Identity, Key, ReceiverSettings, TokenKeys,
    service::{Settings, Tester},
};

use crate::{Config, commands::write_secret, config::RelayTester};

/// The tester that the configuration asks for, with its figures in the registry.
pub(crate) fn build(
    config: &Config,
    store: &Store,
    registry: &Registry,
) -> anyhow::Result<Option<Arc<Tester>>> {
    let Some(relay) = &config.relay_tester else { return Ok(None) };
    let keys = read_keys(&config.relay_keys_file())?;
    let tester = Tester::new(store.clone(), settings(relay, keys));
    let tester = tester.context("relay-tester.resolvers")?;
    registry.register(Box::new(figures::RelayFigures::new(tester.clone())?))?;
    Ok(Some(tester))
}

fn settings(relay: &RelayTester, keys: TokenKeys) -> Settings {
    let is_any = relay.receiver.ip().is_unspecified();
    let own = (!is_any).then_some(relay.receiver.ip());
    Settings {
        zone: relay.zone.clone(),
        outputs_zone: relay.outputs_zone.clone(),
        outputs_networks: relay.outputs_networks,
        patience: relay.patience,
        limits: relay.limits.clone(),
        identity: Arc::new(identity(relay)),
        keys: Arc::new(keys),
        drive: DriveSettings {
            connection_pause: relay.connection_pause,
            probe_pause: relay.probe_pause,
            sources: relay.sources,
            loopback_only: !relay.allow_targets.is_empty()
                && !relay.allow_all
                && relay.allow_targets.iter().all(|net| net.addr().is_loopback()),
            ..DriveSettings::default()
        },
        receiver: relay.receiver,
        receiving: ReceiverSettings::new(relay.ehlo.clone(), relay.probe_domain.clone()),
        receiver_address: relay.receiver_address.or(own),
        allow_targets: relay.allow_targets.clone(),
        allow_all: relay.allow_all,
        own_addresses: relay.own_addresses.clone(),
        reference_hosts: relay.reference_hosts.clone(),
        resolvers: relay.resolvers.clone(),
        anonymous: relay.anonymous.clone(),
        notice: relay.notice,
    }
}

fn identity(relay: &RelayTester) -> Identity {
    let mut identity = Identity::new(relay.ehlo.clone(), relay.probe_domain.clone());
    if let Some(contact) = &relay.contact {
        identity.opt_out_en = format!("ask {contact}.");
        identity.opt_out_ja =
            format!("今後の試験を希望されない場合は {contact} までご連絡ください。");
        identity.contact = contact.clone();
    }
    if let Some(subject) = &relay.subject {
        identity.subject = subject.clone();
    }
    if let Some(mail_from) = &relay.mail_from {
        identity.mail_from_local = mail_from.clone();
    }
    identity.lookup_url = relay.lookup_page.clone();
    identity
}

/// Reads the keys of relay-test tokens, the one in use first; makes one where there is none. A line is
/// a number from 0 to 255, a blank and 64 hexadecimal digits.
fn read_keys(file: &Path) -> anyhow::Result<TokenKeys> {
    let name = || file.display().to_string();
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(err) if err.kind() == ErrorKind::NotFound => {
            let text = new_key()?;
            write_secret(file, &text).with_context(name)?;
            text
        }
        Err(err) => return Err(err).with_context(name),
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let keys = lines.map(|(at, line)| {
        // What stands there is secret: the error names its place only.
        read_key(line).with_context(|| format!("{}: line {}", name(), at + 1))
    });
    let mut keys = keys.collect::<anyhow::Result<Vec<Key>>>()?.into_iter();
    match keys.next() {
        Some(current) => Ok(TokenKeys::new(current, keys.collect())),
        None => bail!("{}: it holds no key; remove it, and a new one is made", name()),
    }
}

fn new_key() -> anyhow::Result<String> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).context("the system has no randomness for a key")?;
    let digits: String = secret.iter().map(|octet| format!("{octet:02x}")).collect();
    Ok(format!("0 {digits}"))
}

fn read_key(line: &str) -> anyhow::Result<Key> {
    const FORM: &str = "it is not a number from 0 to 255 and 64 hexadecimal digits";
    let (id, digits) = line.trim().split_once(' ').context(FORM)?;
    ensure!(digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()), FORM);
    let mut secret = [0; 32];
    for (octet, at) in secret.iter_mut().zip((0..64).step_by(2)) {
        *octet = u8::from_str_radix(&digits[at..at + 2], 16).context(FORM)?;
    }
    Ok(Key { id: id.parse().ok().context(FORM)?, secret })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::read_keys;

    #[test]
    fn the_first_key_is_made_once_and_only_the_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relay-test.keys");
        read_keys(&file).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        read_keys(&file).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }

    #[test]
    fn a_damaged_key_is_named_by_its_line_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relay-test.keys");
        fs::write(&file, format!("0 {}\n1 secret\n", "ab".repeat(32))).unwrap();
        let err = format!("{:#}", read_keys(&file).unwrap_err());
        assert!(err.contains("line 2") && !err.contains("secret"), "{err}");
    }
}
