//! Parse, typed reads, check, rewrite.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sip_message::fuzzing::message(data));
