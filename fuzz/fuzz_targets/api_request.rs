//! A request of the control plane: routed, decoded, refused by name.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chime_api::fuzzing::request(data));
