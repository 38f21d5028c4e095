//! A script of RTP and RTCP datagrams for the relay and an endpoint.
#![no_main]

use std::sync::LazyLock;
use std::time::Instant;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

libfuzzer_sys::fuzz_target!(|data: &[u8]| media::fuzzing::relay(*START, data));
