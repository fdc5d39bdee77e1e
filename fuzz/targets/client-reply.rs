//! What comes back to the client.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dnsbl_fuzz::client_reply(input));
