//! What an answering party does with a call, step by step.

use std::time::Duration;

use media::Digit;
use sip_message::Status;

/// The steps of one answered call. After the last one the call stays as it is until the other
/// side ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// In order. Those before [`Step::Answer`] end with a rejection or a CANCEL; those after it
    /// begin when the ACK has come.
    pub steps: Vec<Step>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// 180 Ringing.
    Ring,
    /// 183 Session Progress with an SDP answer, and audio before the call is answered.
    EarlyMedia(Sound),
    /// Nothing for a while.
    Wait(Duration),
    /// 200 OK with an SDP answer.
    Answer(Sound),
    /// A final rejection.
    Reject(Status),
    /// Digits, as RFC 4733 events.
    Press(Vec<Digit>),
    /// BYE.
    HangUp,
}

/// What a party lets the other hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// What it hears itself.
    Echo,
    /// The 1 kHz test tone.
    Tone,
    /// Silence, in packets.
    Silence,
    /// No packets at all.
    Nothing,
}

/// How long the simulated carrier waits after the ACK before it presses keys: the other side's
/// media path stands by then.
const PRESS_AFTER: Duration = Duration::from_millis(200);

impl Script {
    /// Answers at once.
    #[must_use]
    pub fn answer(sound: Sound) -> Self {
        Self { steps: vec![Step::Answer(sound)] }
    }

    /// Refuses at once.
    #[must_use]
    pub fn reject(status: Status) -> Self {
        Self { steps: vec![Step::Reject(status)] }
    }

    /// The simulated carrier's behaviour, by the last two digits of the called number.
    ///
    /// It serves +1 NXX 555 0100–0199, which are assigned to nobody, and answers 404 for every
    /// other number. `called` is the user part of the Request-URI, with or without the plus.
    ///
    /// | digits | behaviour |
    /// |---|---|
    /// | 00–19 and those not named | rings 100 ms, answers, echoes |
    /// | 20 | answers, 1 kHz tone |
    /// | 30 | 486 Busy Here |
    /// | 31 | rings until cancelled |
    /// | 32 | 503 Service Unavailable |
    /// | 33 | 404 Not Found |
    /// | 34 | 603 Decline |
    /// | 40 | rings 3 s, answers, echoes |
    /// | 41 | 2 s of tone as early media, then answers, echoes |
    /// | 42 | answers, sends the digits 1 2 3 # |
    /// | 50 | answers, echoes, hangs up after 5 s |
    #[must_use]
    pub fn simulated_carrier(called: &str) -> Self {
        use Step::{Answer, EarlyMedia, HangUp, Press, Reject, Ring, Wait};

        let Some(digits) = simulated_digits(called) else {
            return Self::reject(Status::NOT_FOUND);
        };
        let ring_for =
            |millis| vec![Ring, Wait(Duration::from_millis(millis)), Answer(Sound::Echo)];
        let steps = match digits {
            20 => vec![Answer(Sound::Tone)],
            30 => vec![Reject(Status::BUSY_HERE)],
            31 => vec![Ring],
            32 => vec![Reject(Status::SERVICE_UNAVAILABLE)],
            33 => vec![Reject(Status::NOT_FOUND)],
            34 => vec![Reject(Status::DECLINE)],
            40 => ring_for(3000),
            41 => vec![EarlyMedia(Sound::Tone), Wait(Duration::from_secs(2)), Answer(Sound::Echo)],
            42 => vec![
                Answer(Sound::Silence),
                Wait(PRESS_AFTER),
                Press("123#".chars().filter_map(Digit::parse).collect()),
            ],
            50 => vec![Answer(Sound::Echo), Wait(Duration::from_secs(5)), HangUp],
            _ => ring_for(100),
        };
        Self { steps }
    }
}

/// The last two digits of a number that the simulated carrier serves: +1 NXX 555 01xx with N from
/// 2 to 9.
fn simulated_digits(called: &str) -> Option<u8> {
    let digits = called.strip_prefix('+').unwrap_or(called).as_bytes();
    let [b'1', area @ .., b'5', b'5', b'5', b'0', b'1', tens, units] = digits else { return None };
    let is_served = area.len() == 3
        && (b'2'..=b'9').contains(&area[0])
        && area.iter().chain([tens, units]).all(u8::is_ascii_digit);
    is_served.then(|| (tens - b'0') * 10 + (units - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simulated_carrier_serves_the_fictional_numbers_of_every_area_code() {
        let not_found = Script::reject(Status::NOT_FOUND);
        for served in ["+12065550100", "12065550100", "+19995550199", "+12005550115"] {
            assert_ne!(Script::simulated_carrier(served), not_found, "{served}");
        }
        for unknown in [
            "",
            "+12065550200",
            "+12065550099",
            "+12065540100",
            "+11065550100",
            "+442065550100",
            "+1206555010",
            "+120655501000",
            "+1206555010x",
            "alice",
        ] {
            assert_eq!(Script::simulated_carrier(unknown), not_found, "{unknown}");
        }
    }

    #[test]
    fn the_last_two_digits_choose_the_behaviour() {
        let steps = |digits: &str| {
            Script::simulated_carrier(&format!("+1206555 01{digits}").replace(' ', "")).steps
        };
        let echo_after = |millis| {
            vec![Step::Ring, Step::Wait(Duration::from_millis(millis)), Step::Answer(Sound::Echo)]
        };
        for usual in ["00", "07", "19", "21", "49", "99"] {
            assert_eq!(steps(usual), echo_after(100), "{usual}");
        }
        assert_eq!(steps("20"), [Step::Answer(Sound::Tone)]);
        assert_eq!(steps("30"), [Step::Reject(Status(486))]);
        assert_eq!(steps("31"), [Step::Ring]);
        assert_eq!(steps("32"), [Step::Reject(Status(503))]);
        assert_eq!(steps("33"), [Step::Reject(Status(404))]);
        assert_eq!(steps("34"), [Step::Reject(Status(603))]);
        assert_eq!(steps("40"), echo_after(3000));
        assert_eq!(steps("41").first(), Some(&Step::EarlyMedia(Sound::Tone)));
        assert!(matches!(&steps("42")[..], [Step::Answer(_), Step::Wait(_), Step::Press(keys)]
            if keys.iter().map(|it| it.key()).eq("123#".chars())));
        assert_eq!(steps("50").last(), Some(&Step::HangUp));
    }
}
