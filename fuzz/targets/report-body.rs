//! A report in a form of others.

#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| dnsbl_fuzz::report_body(body));
