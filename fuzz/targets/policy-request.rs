//! What a mail server asks the policy service.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dnsbl_fuzz::policy_request(input));
