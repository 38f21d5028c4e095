//! Policies of access keys, from text.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| model::policy::fuzzing::policy(data));
