//! A test tone, and an ear for it.

use crate::g711::Law;

/// The test tone's frequency.
pub const TONE_HZ: u32 = 1000;

const SAMPLE_HZ: u32 = 8000;

/// One period of the tone at 8000 samples per second, −12 dB below full scale.
const PERIOD: [i16; 8] = [0, 5792, 8191, 5792, 0, -5792, -8191, -5792];

/// Fills `payload` with the tone. Any whole number of periods joins the next without a click.
pub(crate) fn fill_tone(law: Law, payload: &mut [u8]) {
    for (byte, sample) in payload.iter_mut().zip(PERIOD.into_iter().cycle()) {
        *byte = law.encode(sample);
    }
}

/// Tells whether audio is one given tone: Goertzel's single bin of a Fourier transform.
#[derive(Debug, Clone, Copy)]
pub struct Goertzel {
    coefficient: f64,
}

/// What a stretch of audio is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// Nothing that an ear would notice.
    Silence,
    /// The tone listened for, and little else.
    Tone,
    /// Anything else.
    Other,
}

/// Mean power below which audio is silence: −48 dB of full scale.
const SILENCE_POWER: f64 = 130.0 * 130.0;

/// The share of a stretch's power that must be in the tone.
const TONE_SHARE: f64 = 0.8;

impl Goertzel {
    /// An ear for `frequency_hz`.
    pub fn new(frequency_hz: u32) -> Self {
        let turns = f64::from(frequency_hz) / f64::from(SAMPLE_HZ);
        Self { coefficient: 2.0 * (std::f64::consts::TAU * turns).cos() }
    }

    /// What these G.711 samples are. Best with 10 ms or more.
    pub fn judge(&self, law: Law, payload: &[u8]) -> Sound {
        if payload.is_empty() {
            return Sound::Silence;
        }
        let (mut one, mut two, mut energy) = (0.0, 0.0, 0.0);
        for byte in payload {
            let sample = f64::from(law.decode(*byte));
            let next = sample + self.coefficient * one - two;
            two = one;
            one = next;
            energy += sample * sample;
        }
        let count = payload.len() as f64;
        if energy / count < SILENCE_POWER {
            return Sound::Silence;
        }
        // A pure tone of amplitude A has energy n·A²/2 and a bin of (n·A/2)².
        let bin = one * one + two * two - self.coefficient * one * two;
        let share = 2.0 * bin / (count * energy);
        if share >= TONE_SHARE { Sound::Tone } else { Sound::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(law: Law, frequency_hz: f64, amplitude: f64) -> Vec<u8> {
        (0..160)
            .map(|at| {
                let angle = std::f64::consts::TAU * frequency_hz * f64::from(at) / 8000.0;
                law.encode((amplitude * angle.sin()) as i16)
            })
            .collect()
    }

    #[test]
    fn the_tone_we_make_is_the_tone_we_hear() {
        for law in [Law::Mu, Law::A] {
            let mut payload = [0; 160];
            fill_tone(law, &mut payload);
            assert_eq!(Goertzel::new(TONE_HZ).judge(law, &payload), Sound::Tone, "{law:?}");
        }
    }

    #[test]
    fn another_frequency_is_not_the_tone() {
        for frequency in [350.0, 440.0, 700.0, 900.0, 1100.0, 1477.0, 2000.0] {
            let payload = wave(Law::Mu, frequency, 8000.0);
            assert_eq!(
                Goertzel::new(TONE_HZ).judge(Law::Mu, &payload),
                Sound::Other,
                "{frequency}"
            );
        }
    }

    #[test]
    fn a_quiet_tone_is_heard_and_silence_is_not() {
        let ear = Goertzel::new(TONE_HZ);
        assert_eq!(ear.judge(Law::A, &wave(Law::A, 1000.0, 400.0)), Sound::Tone);
        assert_eq!(ear.judge(Law::A, &[Law::A.silence(); 160]), Sound::Silence);
        assert_eq!(ear.judge(Law::Mu, &[]), Sound::Silence);
    }

    #[test]
    fn a_tone_of_the_wrong_law_is_not_the_tone() {
        let mut payload = [0; 160];
        fill_tone(Law::Mu, &mut payload);
        assert_ne!(Goertzel::new(TONE_HZ).judge(Law::A, &payload), Sound::Tone);
    }
}
