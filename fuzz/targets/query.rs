//! What comes to the DNS socket of the server.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dnsbl_fuzz::query(input));
