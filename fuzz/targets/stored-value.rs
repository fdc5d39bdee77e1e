//! What stands in the database.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dnsbl_fuzz::stored_value(input));
