//! Stream framing, cut in two ways.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sip_message::fuzzing::stream(data));
