//! The Date header: seconds since 1970 in the one form RFC 3261 §20.17 allows.

use std::fmt;

use crate::error::Problem;
use crate::grammar::{Cursor, class};

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const SECONDS_PER_DAY: u64 = 86_400;

/// A moment as the Date header prints it: `Sat, 13 Nov 2010 23:29:00 GMT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    unix_seconds: u64,
}

impl Date {
    /// The last second of the year 9999, beyond which the form has no digits.
    pub const MAX: Self = Self { unix_seconds: 253_402_300_799 };

    /// The date so many seconds after 1970-01-01T00:00:00Z; at most [`Date::MAX`].
    #[must_use]
    pub fn from_unix_seconds(unix_seconds: u64) -> Self {
        Self { unix_seconds: unix_seconds.min(Self::MAX.unix_seconds) }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_seconds(self) -> u64 {
        self.unix_seconds
    }

    /// Reads a date of 1970 or later. The weekday must be one; whether it is the right one is
    /// the sender's affair.
    ///
    /// # Errors
    /// [`Problem::Date`] if it has another form or another time zone than GMT.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        read(text).ok_or(Problem::Date)
    }
}

fn read(text: &str) -> Option<Date> {
    let mut cursor = Cursor::new(text);
    cursor.skip_lws();
    index_of(cursor.run(class::TOKEN), &WEEKDAYS)?;
    cursor.eat(b',').then_some(())?;
    let day = digits(&mut cursor, 2)?;
    let month = word(&mut cursor).and_then(|name| index_of(name, &MONTHS))?;
    let year = digits(&mut cursor, 4)?;
    let hour = digits(&mut cursor, 2)?;
    cursor.eat(b':').then_some(())?;
    let minute = digits(&mut cursor, 2)?;
    cursor.eat(b':').then_some(())?;
    let second = digits(&mut cursor, 2)?;
    let zone = word(&mut cursor)?;
    cursor.skip_lws();
    let in_range = (1..=days_in(month, year)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60
        && year >= 1970;
    if !(in_range && zone == "GMT" && cursor.is_done()) {
        return None;
    }
    let time = hour * 3600 + minute * 60 + second.min(59);
    let unix_seconds = days_before(year, month, day) * SECONDS_PER_DAY + time;
    Some(Date { unix_seconds })
}

fn index_of(name: &str, names: &[&str]) -> Option<u64> {
    names.iter().position(|it| *it == name).and_then(|at| u64::try_from(at).ok())
}

fn word<'a>(cursor: &mut Cursor<'a>) -> Option<&'a str> {
    cursor.skip_lws();
    cursor.token().ok()
}

/// Exactly `length` digits, blanks before them skipped.
fn digits(cursor: &mut Cursor<'_>, length: usize) -> Option<u64> {
    cursor.skip_lws();
    let run = cursor.run(class::TOKEN);
    let fits = run.len() == length && run.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| run.parse().ok()).flatten()
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days of a month, January being 0.
fn days_in(month: u64, year: u64) -> u64 {
    match month {
        3 | 5 | 8 | 10 => 30,
        1 if is_leap(year) => 29,
        1 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of 1970 or later.
fn days_before(year: u64, month: u64, day: u64) -> u64 {
    let before = year - 1;
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let years = (year - 1970) * 365 + leap_days(before) - leap_days(1969);
    years + (0..month).map(|it| days_in(it, year)).sum::<u64>() + day - 1
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.unix_seconds / SECONDS_PER_DAY;
        let time = self.unix_seconds % SECONDS_PER_DAY;
        let mut year = 1970 + days / 366;
        while days_before(year + 1, 0, 1) <= days {
            year += 1;
        }
        let mut day = days - days_before(year, 0, 1);
        let mut month = 0;
        while day >= days_in(month, year) {
            day -= days_in(month, year);
            month += 1;
        }
        let name = |names: &[&'static str], at: u64| usize::try_from(at).map_or("", |at| names[at]);
        write!(
            f,
            "{}, {:02} {} {year:04} {:02}:{:02}:{:02} GMT",
            name(&WEEKDAYS, (days + 3) % 7),
            day + 1,
            name(&MONTHS, month),
            time / 3600,
            time / 60 % 60,
            time % 60,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_print_and_read_back() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_129_351_496, "Sat, 15 Oct 2005 04:44:56 GMT"),
            (1_289_690_940, "Sat, 13 Nov 2010 23:29:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (Date::MAX.unix_seconds(), "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            let date = Date::from_unix_seconds(seconds);
            assert_eq!(date.to_string(), text);
            assert_eq!(Date::parse(text), Ok(date));
        }
    }

    #[test]
    fn other_zones_forms_and_impossible_days_are_refused() {
        for text in [
            "Fri, 01 Jan 2010 16:00:00 EST",
            "Fri, 01 Jan 2010 16:00:00",
            "Fri, 1 Jan 2010 16:00:00 GMT",
            "Friday, 01-Jan-10 16:00:00 GMT",
            "Mon, 29 Feb 2100 00:00:00 GMT",
            "Mon, 01 Jan 2010 24:00:00 GMT",
            "Mon, 01 Jan 1969 00:00:00 GMT",
            "",
        ] {
            assert_eq!(Date::parse(text), Err(Problem::Date), "{text}");
        }
    }
}
