//! A backup is believed whole or not at all.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{
    fs::{self, File},
    io::Cursor,
    path::Path,
};

use dnsbl_backup::{BackupError, Folder, Manifest, Nowhere, read, write};
use tempfile::TempDir;

/// A folder like that of a store, and a backup of it.
fn backup() -> (TempDir, Vec<u8>, Manifest) {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("CURRENT"), "MANIFEST-000004\n").unwrap();
    fs::write(dir.path().join("000012.sst"), [7_u8; 1500]).unwrap();
    let noise: Vec<u8> =
        (0..3000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    fs::write(dir.path().join("000013.sst"), noise).unwrap();
    fs::write(dir.path().join("000014.log"), "").unwrap();
    fs::write(dir.path().join("LOG"), "is not copied").unwrap();
    let manifest = Manifest::of_folder(dir.path(), "0.0.0", 1_700_000_000, (3, 42)).unwrap();
    let bytes = write(Vec::new(), &manifest, |name| File::open(dir.path().join(name))).unwrap();
    (dir, bytes, manifest)
}

fn verify(bytes: &[u8]) -> Result<Manifest, BackupError> {
    read(bytes, &mut Nowhere)
}

fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| name != "LOG")
        .collect();
    found.sort();
    found
}

#[test]
fn what_is_read_back_is_what_was_written() {
    let (dir, bytes, manifest) = backup();
    assert_eq!(manifest.files.len(), 4);
    let into = TempDir::new().unwrap();
    let read = read(Cursor::new(&bytes), &mut Folder::new(into.path().into())).unwrap();
    assert_eq!((read.seq, read.epoch, &read), (42, 3, &manifest));
    assert_eq!(content(into.path()), content(dir.path()));
}

#[test]
fn every_bit_that_flips_is_found() {
    let (_dir, mut bytes, _) = backup();
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&bytes).is_err(), "bit {bit} of {}", bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    verify(&bytes).unwrap();
}

#[test]
fn what_is_cut_off_or_followed_by_anything_is_refused() {
    let (_dir, bytes, _) = backup();
    for len in 0..bytes.len() {
        assert!(verify(&bytes[..len]).is_err(), "{len} of {}", bytes.len());
    }
    for more in [&b"\0"[..], b"x", &bytes] {
        assert!(verify(&[&bytes, more].concat()).is_err());
    }
}

#[test]
fn what_is_no_backup_is_called_so() {
    let packed = zstd::encode_all(&[0_u8; 4096][..], 1).unwrap();
    for bytes in [&b""[..], b"plain text that is long enough to hold a seal of any kind", &packed] {
        assert!(matches!(verify(bytes), Err(BackupError::Foreign)), "{bytes:?}");
    }
}

#[test]
fn a_file_that_changes_meanwhile_spoils_the_backup() {
    let (dir, _, manifest) = backup();
    fs::write(dir.path().join("000012.sst"), [8_u8; 1500]).unwrap();
    let written = write(Vec::new(), &manifest, |name| File::open(dir.path().join(name)));
    assert!(matches!(written, Err(BackupError::Changed(name)) if name == "000012.sst"));
}

/// Issue 15: paths that lead outside, sizes.
#[test]
fn a_manifest_that_lies_writes_nothing_elsewhere() {
    let (dir, _, manifest) = backup();
    let mut lying = manifest.clone();
    lying.files[0].name = "../outside".into();
    let open = |_: &str| File::open(dir.path().join(&manifest.files[0].name));
    lying.files.truncate(1);
    let bytes = write(Vec::new(), &lying, open).unwrap();
    let into = TempDir::new().unwrap();
    let folder = into.path().join("inside");
    fs::create_dir(&folder).unwrap();
    assert!(matches!(
        read(&bytes[..], &mut Folder::new(folder.clone())),
        Err(BackupError::Damaged(_))
    ));
    assert_eq!(fs::read_dir(into.path()).unwrap().count(), 1);
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}
