//! A script of packets from one SRTP context to another, with loss, damage and new keys.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| media::fuzzing::srtp(data));
