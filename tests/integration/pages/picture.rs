//! The picture in README.md.

use std::{fs, path::Path};

use dnsbl_tests::{Browser, Look, pictures};

use super::site::Site;

/// The most that it may weigh, in bytes.
const MAX_SIZE: usize = 60_000;

/// `make picture` keeps it; otherwise it is made and looked at by nobody, so that it can be made.
#[test]
fn the_picture_of_the_lookup_page_is_small_and_shown_by_the_readme() {
    let (site, browser) = (Site::furnished(), Browser::start());
    browser.look(Look::WIDE.without_scripts());
    browser.set_window(900, 720);
    browser.open(&site.url("/en/lookup/192.0.2.99"));
    let picture = browser.picture();
    assert!(picture.starts_with(b"\x89PNG"), "it is no PNG");
    assert!(picture.len() <= MAX_SIZE, "{} bytes", picture.len());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let place = match std::env::var_os("DNSBL_KEEP_PICTURE") {
        Some(_) => root.join("docs/lookup.png"),
        None => pictures().join("lookup.png"),
    };
    fs::create_dir_all(pictures()).unwrap();
    fs::write(place, picture).unwrap();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let first_screen: Vec<&str> = readme.lines().take(25).collect();
    assert!(first_screen.iter().any(|line| line.contains("(docs/lookup.png)")), "{first_screen:?}");
    let kept = fs::read(root.join("docs/lookup.png")).unwrap();
    assert!(kept.starts_with(b"\x89PNG") && kept.len() <= MAX_SIZE, "{} bytes", kept.len());
}
