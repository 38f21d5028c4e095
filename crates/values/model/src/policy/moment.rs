//! Moments in conditions: ISO 8601, or seconds since 1970.

/// Reads `2026-11-23`, `2026-11-23T10:11:12Z`, the same with a fraction or an offset such as `+01:00`,
/// or seconds since 1970, as seconds since 1970. A fraction of a second is cut off.
pub(super) fn parse(text: &str) -> Option<i64> {
    if !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit()) && text.len() > 4 {
        return text.parse().ok();
    }
    let (day, time) = text.split_once('T').map_or((text, None), |(day, time)| (day, Some(time)));
    let midnight = days(day)? * 86_400;
    time.map_or(Some(midnight), |time| Some(midnight + seconds_of_day(time)?))
}

/// Days since 1970 of `2026-11-23`.
fn days(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get(usize::try_from(month - 1).ok()?)?;
    if !(1..=length).contains(&day) {
        return None;
    }
    let earlier = lengths[..usize::try_from(month - 1).ok()?].iter().sum::<i64>();
    let before = year - 1;
    let leaps = before / 4 - before / 100 + before / 400;
    // 719,162 days lie between the first of January of the years 1 and 1970.
    Some(before * 365 + leaps - 719_162 + earlier + day - 1)
}

/// Seconds since midnight, in Coordinated Universal Time, of `10:11:12.5+01:00`.
fn seconds_of_day(text: &str) -> Option<i64> {
    let zone_at = text.find(['Z', '+', '-'])?;
    let (clock, zone) = text.split_at(zone_at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let mut parts = clock.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(hour * 3600 + minute * 60 + second - offset(zone)?)
}

/// Seconds east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, text) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

fn digits(text: &str, length: usize) -> Option<i64> {
    (text.len() == length && text.bytes().all(|it| it.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_every_form() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("1970-01-02T00:00:01Z", 86_401),
            ("2000-02-29", 951_782_400),
            ("2026-11-23T10:11:12Z", 1_795_428_672),
            ("2026-11-23T10:11:12.345Z", 1_795_428_672),
            ("2026-11-23T11:11:12+01:00", 1_795_428_672),
            ("2026-11-23T05:11:12-05:00", 1_795_428_672),
            ("1795428672", 1_795_428_672),
        ] {
            assert_eq!(parse(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-11-23T",
            "2026-11-23T10:11Z",
            "2026-11-23T25:00:00Z",
            "2026-11-23T10:11:12",
            "2026-11-23T10:11:12.Z",
            "tomorrow",
            "2026-11-23T10:11:12+1",
            "-1",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
