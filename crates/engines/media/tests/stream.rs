//! Loss and jitter as RFC 3550 counts them.
#![expect(
    clippy::disallowed_methods,
    reason = "a test begins at some instant and computes all later ones"
)]

use std::time::{Duration, Instant};

use media::StreamStats;

/// Hears packets of one source, 20 ms apart, with the given sequence numbers.
fn hear(sequences: impl IntoIterator<Item = u16>) -> StreamStats {
    let start = Instant::now();
    let mut stats = StreamStats::new(start);
    for (at, sequence) in sequences.into_iter().enumerate() {
        let now = start + Duration::from_millis(20) * at as u32;
        stats.hear(now, 1, sequence, at as u32 * 160);
    }
    stats
}

#[test]
fn gaps_are_lost_packets() {
    let stats = hear((0..100).filter(|sequence| sequence % 10 != 5));
    assert_eq!((stats.packets_expected(), stats.packets_lost()), (100, 10));
}

#[test]
fn late_packets_are_not_lost() {
    let stats = hear([0, 1, 3, 2, 4, 6, 7, 5]);
    assert_eq!((stats.packets_expected(), stats.packets_lost()), (8, 0));
}

#[test]
fn numbers_wrap_around() {
    let stats = hear((65_530..=65_535).chain(0..10));
    assert_eq!((stats.packets_expected(), stats.packets_lost()), (16, 0));
    let (_, highest, _) = stats.reception().unwrap();
    assert_eq!(highest, 65_536 + 9);
}

#[test]
fn a_packet_from_before_a_wrap_is_late_and_not_a_new_wrap() {
    let stats = hear([65_534, 0, 65_535, 1]);
    assert_eq!((stats.packets_expected(), stats.packets_received()), (4, 4));
}

#[test]
fn a_sender_that_starts_anew_is_not_a_great_loss() {
    let stats = hear([100, 101, 102, 40_000, 40_001, 40_002]);
    assert_eq!(stats.packets_lost(), 0);
    let stats = hear([100, 101, 40_000, 102, 103]);
    assert_eq!((stats.packets_expected(), stats.packets_lost()), (4, 0), "one odd packet is none");
}

#[test]
fn an_even_rhythm_has_no_jitter() {
    assert_eq!(hear(0..200).jitter(), Duration::ZERO);
}

#[test]
fn jitter_nears_the_mean_difference_of_the_spacing() {
    // Packets come alternately 5 ms early and 5 ms late: every spacing is 10 ms off.
    let start = Instant::now();
    let mut stats = StreamStats::new(start);
    for at in 0..400u32 {
        let late = if at % 2 == 0 { 5 } else { 15 };
        let now = start + Duration::from_millis(u64::from(at) * 20 + late);
        stats.hear(now, 1, at as u16, at * 160);
    }
    let jitter = stats.jitter().as_millis();
    assert!((9..=10).contains(&jitter), "{jitter} ms");
    assert!(stats.jitter_max() >= stats.jitter());
}

#[test]
fn a_leap_of_the_timestamps_is_a_new_timeline_and_not_jitter() {
    let start = Instant::now();
    let mut stats = StreamStats::new(start);
    for at in 0..100u32 {
        let leap = if at < 50 { 0 } else { 1_000_000 };
        let now = start + Duration::from_millis(u64::from(at) * 20);
        stats.hear(now, 1, at as u16, at * 160 + leap);
    }
    assert_eq!(stats.jitter_max(), Duration::ZERO);
}

#[test]
fn events_count_as_packets_and_not_as_rhythm() {
    let start = Instant::now();
    let mut stats = StreamStats::new(start);
    stats.hear(start, 1, 0, 0);
    for sequence in 1..8 {
        stats.hear_event(1, sequence);
    }
    stats.hear(start + Duration::from_millis(160), 1, 8, 8 * 160);
    assert_eq!((stats.packets_expected(), stats.jitter()), (9, Duration::ZERO));
}

#[test]
fn holes_only_rise_and_what_comes_late_is_told_apart() {
    let stats = hear([0, 1, 3, 2, 4, 4, 9]);
    assert_eq!(stats.gaps(), media::Gaps { missing: 5, late: 1 });
    assert_eq!(hear((65_530..=65_535).chain(0..10)).gaps(), media::Gaps::default());
}
