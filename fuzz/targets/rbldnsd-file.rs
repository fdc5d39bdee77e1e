//! Files of rbldnsd.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dnsbl_fuzz::rbldnsd_file(input));
