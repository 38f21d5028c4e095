//! A session description: read, rewritten, answered.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sdp::fuzzing::session(data));
