//! The tester of open relays as this server runs it.

mod stats;

use std::{fs, io::ErrorKind, path::Path, sync::Arc};

use anyhow::{Context, bail};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use dnsbl_store::Store;
use prometheus::Registry;
use relay_tester::{Key, TokenKeys, service::Tester};

use crate::{Config, commands::write_secret};

/// The tester that the configuration asks for, with its statistics in the registry.
pub(crate) fn build(
    config: &Config,
    store: &Store,
    registry: &Registry,
) -> anyhow::Result<Option<Arc<Tester>>> {
    let Some(settings) = &config.relay_tester else { return Ok(None) };
    let keys = read_keys(&config.relay_keys_file())?;
    let tester = Tester::new(store.clone(), settings.clone(), keys);
    let tester = tester.context("relay-tester.resolvers")?;
    registry.register(Box::new(stats::RelayCollector::new(tester.clone())?))?;
    Ok(Some(tester))
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
    Ok(format!("0 {}", HEXLOWER.encode(&secret)))
}

fn read_key(line: &str) -> anyhow::Result<Key> {
    const FORM: &str = "it is not a number from 0 to 255 and 64 hexadecimal digits";
    let (id, digits) = line.trim().split_once(' ').context(FORM)?;
    let secret = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok();
    let secret = secret.and_then(|secret| secret.try_into().ok()).context(FORM)?;
    Ok(Key { id: id.parse().ok().context(FORM)?, secret })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::{read_key, read_keys};

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
    fn a_key_is_a_number_and_64_hexadecimal_digits_in_either_case() {
        let key = read_key(&format!(" 255 {}{} ", "aB".repeat(31), "09")).unwrap();
        assert_eq!((key.id, key.secret[0], key.secret[31]), (255, 0xab, 0x09));
        for line in ["0 ", "0 zz", "0 abab", "256 ab", "x ab", "0"] {
            assert!(read_key(&format!("{line}{}", "cd".repeat(31))).is_err(), "{line}");
        }
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
