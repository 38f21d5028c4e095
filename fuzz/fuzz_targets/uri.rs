//! URIs and every kind of header value, from text.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sip_message::fuzzing::uri(data));
