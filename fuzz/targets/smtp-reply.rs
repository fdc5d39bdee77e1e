//! What a tested host replies.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dnsbl_fuzz::smtp_reply(input));
