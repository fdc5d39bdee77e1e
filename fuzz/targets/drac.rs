//! What comes to DRAC's port.

#![no_main]

libfuzzer_sys::fuzz_target!(|datagram: &[u8]| dnsbl_fuzz::drac(datagram));
