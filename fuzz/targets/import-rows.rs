//! Files that are imported.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dnsbl_fuzz::import_rows(input));
