//! One number for how a call sounded.

use std::time::Duration;

/// Mean opinion score of a G.711 stream, 1.0 (bad) to 4.4 (as good as G.711 gets).
///
/// A simplification of the E-model (ITU-T G.107): R = 93.2 − Id − Ie,eff, where
/// Id = 0.024·d + 0.11·(d − 177.3)·H(d − 177.3) for a one-way delay of d milliseconds, and
/// Ie,eff = 95·Ppl/(Ppl + 25.1) for a loss of Ppl percent (G.711 with loss concealment has Ie = 0
/// and Bpl = 25.1, ITU-T G.113 Appendix I). The delay is half the round trip, plus a jitter buffer of
/// twice the jitter, plus the 20 ms of audio in a packet. MOS is then
/// 1 + 0.035·R + R·(R − 60)·(100 − R)·7·10⁻⁶.
pub fn mean_opinion_score(
    expected: u64,
    lost: u64,
    jitter: Duration,
    round_trip: Option<Duration>,
) -> f32 {
    const PACKET_MS: f64 = 20.0;
    let milliseconds = |it: Duration| it.as_secs_f64() * 1000.0;
    let delay = round_trip.map_or(0.0, milliseconds) / 2.0 + 2.0 * milliseconds(jitter) + PACKET_MS;
    let loss_percent =
        if expected == 0 { 0.0 } else { 100.0 * lost.min(expected) as f64 / expected as f64 };

    let late = (delay - 177.3).max(0.0);
    let delay_impairment = 0.024 * delay + 0.11 * late;
    let loss_impairment = 95.0 * loss_percent / (loss_percent + 25.1);
    let rating = (93.2 - delay_impairment - loss_impairment).clamp(0.0, 100.0);
    let score = 1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6;
    score.clamp(1.0, 4.4) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(lost: u64, jitter_ms: u64, round_trip_ms: u64) -> f32 {
        mean_opinion_score(
            1000,
            lost,
            Duration::from_millis(jitter_ms),
            Some(Duration::from_millis(round_trip_ms)),
        )
    }

    #[test]
    fn a_clean_call_is_as_good_as_the_codec_gets() {
        assert!((4.35..=4.4).contains(&score(0, 0, 10)), "{}", score(0, 0, 10));
    }

    #[test]
    fn loss_jitter_and_delay_each_cost() {
        assert!((4.1..4.3).contains(&score(20, 1, 40)), "2 % loss: {}", score(20, 1, 40));
        assert!((2.4..3.2).contains(&score(150, 1, 40)), "15 % loss: {}", score(150, 1, 40));
        assert!(score(0, 1, 800) < 3.6, "400 ms one way: {}", score(0, 1, 800));
        assert!(score(0, 100, 40) < score(0, 10, 40));
    }

    #[test]
    fn nothing_heard_is_the_worst_and_nothing_expected_is_no_fault() {
        assert!(score(1000, 0, 0) < 1.7, "{}", score(1000, 0, 0));
        assert!(mean_opinion_score(0, 0, Duration::ZERO, None) > 4.3);
        assert_eq!(score(1000, 5_000, 60_000), 1.0);
    }
}
