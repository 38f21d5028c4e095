//! Moments on the wire: ISO 8601 in UTC with milliseconds, `2026-11-23T10:11:12.345Z`.

use std::fmt;
use std::str::FromStr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MS_PER_DAY: i64 = 86_400_000;
/// 0000-01-01T00:00:00.000Z.
const UNIX_MS_MIN: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z.
const UNIX_MS_MAX: i64 = 253_402_300_799_999;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z, between the years 0 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    unix_ms: i64,
}

/// The text is no ISO 8601 moment between the years 0 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an ISO 8601 moment such as 2026-11-23T10:11:12.345Z")]
pub struct TimestampError;

impl Timestamp {
    /// A moment from milliseconds since 1970. Moments that need more than four digits of year become
    /// the nearest that do not.
    #[must_use]
    pub fn from_unix_ms(unix_ms: i64) -> Self {
        Self { unix_ms: unix_ms.clamp(UNIX_MS_MIN, UNIX_MS_MAX) }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn unix_ms(self) -> i64 {
        self.unix_ms
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, ms) = (self.unix_ms.div_euclid(MS_PER_DAY), self.unix_ms.rem_euclid(MS_PER_DAY));
        let (year, month, day) = date_of(days);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        let ms = ms % 1_000;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads `2026-11-23T10:11:12`, with or without a fraction, and `Z` or an offset.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let bytes = text.as_bytes();
        let number = |from: usize, to: usize| digits(bytes.get(from..to)?);
        let separator = |at: usize, allowed: &[u8]| {
            bytes.get(at).filter(|byte| allowed.contains(byte)).map(|_| ())
        };
        let parsed = || {
            separator(4, b"-")?;
            separator(7, b"-")?;
            separator(10, b"Tt")?;
            separator(13, b":")?;
            separator(16, b":")?;
            let days = days_of(number(0, 4)?, number(5, 7)?, number(8, 10)?)?;
            let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
            // A leap second is the last representable moment of its minute's next one.
            (hour < 24 && minute < 60 && second <= 60).then_some(())?;
            let (fraction_ms, rest) = fraction(&bytes[19..])?;
            let offset_minutes = offset(rest)?;
            let minutes = hour * 60 + minute - offset_minutes;
            let unix_ms = days * MS_PER_DAY + minutes * 60_000 + second * 1_000 + fraction_ms;
            (UNIX_MS_MIN..=UNIX_MS_MAX).contains(&unix_ms).then_some(Self { unix_ms })
        };
        parsed().ok_or(TimestampError)
    }
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0_i64, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
    })
}

/// Reads `.345…` as milliseconds, cutting what is finer, and returns the rest.
fn fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let Some(after_point) = bytes.strip_prefix(b".") else { return Some((0, bytes)) };
    let length = after_point.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=9).contains(&length).then_some(())?;
    let (written, rest) = after_point.split_at(length);
    let cut = &written[..length.min(3)];
    Some((digits(cut)? * [1, 100, 10, 1][cut.len()], rest))
}

/// Reads `Z` or `+hh:mm` as minutes east of UTC.
fn offset(bytes: &[u8]) -> Option<i64> {
    match bytes {
        b"Z" | b"z" => Some(0),
        &[sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[h1, h2])?, digits(&[m1, m2])?);
            (hours < 24 && minutes < 60).then_some(())?;
            let total = hours * 60 + minutes;
            Some(if sign == b'-' { -total } else { total })
        }
        _ => None,
    }
}

/// Year, month and day of a number of days since 1970, in the proleptic Gregorian calendar.
///
/// Years are counted from March in eras of 400, so that the leap day is the last day of a year.
fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

/// Days since 1970 of a date; `None` when there is no such day.
fn days_of(year: i64, month: i64, day: i64) -> Option<i64> {
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(())?;
    let year_from_march = year - i64::from(month <= 2);
    let (era, year_of_era) = (year_from_march.div_euclid(400), year_from_march.rem_euclid(400));
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    (date_of(days) == (year, month, day)).then_some(days)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimestampVisitor)
    }
}

/// Accepts ISO 8601 text, and seconds since 1970 as some AWS endpoints answer them.
struct TimestampVisitor;

impl Visitor<'_> for TimestampVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an ISO 8601 moment")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Timestamp, E> {
        Ok(Timestamp::from_unix_ms(seconds.saturating_mul(1_000)))
    }

    fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Timestamp, E> {
        self.visit_i64(i64::try_from(seconds).map_err(E::custom)?)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates, as wanted")]
    fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Timestamp, E> {
        if seconds.is_finite() {
            Ok(Timestamp::from_unix_ms((seconds * 1_000.0).round() as i64))
        } else {
            Err(E::custom(TimestampError))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Option<i64> {
        text.parse::<Timestamp>().ok().map(Timestamp::unix_ms)
    }

    #[test]
    fn moments_print_with_milliseconds_and_z() {
        assert_eq!(Timestamp::from_unix_ms(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            Timestamp::from_unix_ms(1_582_934_400_000 - 1).to_string(),
            "2020-02-28T23:59:59.999Z"
        );
        assert_eq!(Timestamp::from_unix_ms(-1).to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn moments_beyond_four_digits_of_year_are_clamped() {
        assert_eq!(Timestamp::from_unix_ms(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_unix_ms(i64::MIN).to_string(), "0000-01-01T00:00:00.000Z");
    }

    #[test]
    fn offsets_and_fractions_are_understood() {
        assert_eq!(at("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(at("1970-01-01T02:00:00.5+02:00"), Some(500));
        assert_eq!(at("1969-12-31T23:30:00.0009-00:30"), Some(0));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "1970-01-01",
            "1970-02-30T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00:00.Z",
            "1970-01-01 00:00:00Z",
            "+970-01-01T00:00:00Z",
            "0000-01-01T00:00:00+00:01",
            "1970-01-01T00:00:00.1234567890Z",
            "1970-01-01T00:00:00Zz",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    proptest! {
        /// Whatever is printed can be read back unchanged.
        #[test]
        fn a_printed_moment_parses_to_itself(unix_ms in UNIX_MS_MIN..=UNIX_MS_MAX) {
            let moment = Timestamp::from_unix_ms(unix_ms);
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
        }

        /// Any text is an error or a moment, never a panic.
        #[test]
        fn any_text_is_refused_or_becomes_a_moment(text in "[-+0-9TZ:.]{0,32}|.{0,32}") {
            if let Ok(moment) = text.parse::<Timestamp>() {
                prop_assert_eq!(moment.to_string().parse(), Ok(moment));
            }
        }
    }
}
