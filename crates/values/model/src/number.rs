//! Telephone numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::id::serde_by_text;

/// A number in E.164 form: `+`, then 2 to 15 digits of which the first is not zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct E164Number(u64);

impl E164Number {
    /// Reads `+12065550100`, or the same digits without the plus.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let digits = text.strip_prefix('+').unwrap_or(text).as_bytes();
        let fits = (2..=15).contains(&digits.len()) && digits[0] != b'0';
        if !fits || !digits.iter().all(u8::is_ascii_digit) {
            return Err(Refused::new(
                "phone number",
                text,
                "a number is in E.164 form: +, then 2 to 15 digits, the first not 0",
            ));
        }
        Ok(Self(digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))))
    }

    /// The digits as one integer, without the plus.
    pub const fn digits(self) -> u64 {
        self.0
    }
}

impl fmt::Display for E164Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}
serde_by_text!(E164Number);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_prints_with_a_plus_however_it_was_written() {
        for written in ["+12065550100", "12065550100"] {
            assert_eq!(E164Number::parse(written).unwrap().to_string(), "+12065550100");
        }
    }

    #[test]
    fn what_is_not_e164_is_refused() {
        for bad in ["", "+", "+1", "011442079460000", "+1206555010a", "+1234567890123456", "1001 "]
        {
            assert!(E164Number::parse(bad).is_err(), "{bad}");
        }
    }
}
