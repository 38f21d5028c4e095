//! Which country a number belongs to: what `CallingRegions` is compared with.

mod table;

use std::fmt;

use model::E164Number;
use table::{AREAS, WORLD};

/// An ISO 3166-1 alpha-2 code; `XK` for Kosovo, as everybody writes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country(pub(crate) [u8; 2]);

impl Country {
    /// The two capital letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a country code is two ASCII letters")
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a number leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// To a country.
    Country(Country),
    /// To no country: satellite, international freephone, personal numbers.
    NonGeographic,
    /// To somebody who is paid by the minute. Refused whatever the calling regions say.
    PremiumRate,
    /// The digits begin no number we know of.
    Unknown,
}

/// Where `number` leads, by its first digits.
///
/// Premium-rate ranges are those that can be told by a fixed prefix; a carrier may know more.
pub fn destination(number: E164Number) -> Destination {
    let digits = number.digits();
    let length = digits.ilog10() + 1;
    let first = |count: u32| {
        u32::try_from(digits / 10_u64.pow(length - count)).expect("at most nine digits are taken")
    };
    if first(1) == 1 {
        return north_american(digits, length);
    }
    const PREFIX_DIGITS_MAX: u32 = 7;
    (1..=length.min(PREFIX_DIGITS_MAX))
        .rev()
        .find_map(|count| find(WORLD, first(count)))
        .unwrap_or(Destination::Unknown)
}

/// `+1 NPA NXX XXXX`: area code and exchange each begin with 2–9, and an area code is no `N11`.
fn north_american(digits: u64, length: u32) -> Destination {
    const EXCHANGE_PREMIUM: u32 = 976;
    let group = |shift: u64| u32::try_from(digits / shift % 1000).expect("three digits fit");
    let (area, exchange) = (group(10_000_000), group(10_000));
    if length != 11 || area < 200 || exchange < 200 || area % 100 == 11 {
        return Destination::Unknown;
    }
    if exchange == EXCHANGE_PREMIUM {
        return Destination::PremiumRate;
    }
    find(AREAS, area).unwrap_or(Destination::Country(Country(*b"US")))
}

fn find(table: &[(u32, Destination)], prefix: u32) -> Option<Destination> {
    table.binary_search_by_key(&prefix, |(known, _)| *known).ok().map(|at| table[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        match destination(E164Number::parse(text).unwrap()) {
            Destination::Country(country) => country.to_string(),
            other @ (Destination::NonGeographic
            | Destination::PremiumRate
            | Destination::Unknown) => format!("{other:?}"),
        }
    }

    /// The inventory has a coarser table of its own. A number it calls a country's may be premium rate or
    /// of no country here; it must never be let into another country's calling region.
    #[test]
    fn the_inventory_and_the_call_path_never_name_two_countries_for_one_number() {
        let north_american = (200..1000).map(|area| format!("+1{area}5550100"));
        let elsewhere = (2000..10_000).map(|prefix| format!("+{prefix}5550100"));
        let (mut compared, mut differ) = (0, Vec::new());
        for text in north_american.chain(elsewhere) {
            let number = E164Number::parse(&text).unwrap();
            let (Destination::Country(here), Some(there)) = (destination(number), number.country())
            else {
                continue;
            };
            compared += 1;
            if here.as_str() != there.as_str() {
                differ.push(format!("{text}: {} here, {} there", here.as_str(), there.as_str()));
            }
        }
        assert!(compared > 5000, "{compared}");
        assert!(differ.is_empty(), "{} differ: {:?}", differ.len(), differ);
    }

    #[test]
    fn a_number_of_plus_one_is_told_by_its_area_code() {
        for (number, expected) in [
            ("+12065550100", "US"),
            ("+18005550100", "US"),
            ("+16045550100", "CA"),
            ("+18095550100", "DO"),
            ("+17875550100", "PR"),
            ("+19005550100", "PremiumRate"),
            ("+12069760100", "PremiumRate"),
            ("+15005550100", "NonGeographic"),
        ] {
            assert_eq!(of(number), expected, "{number}");
        }
    }

    #[test]
    fn a_number_of_plus_one_that_cannot_exist_is_unknown() {
        for number in ["+1", "+1206555010", "+120655501000", "+11065550100", "+12061550100"] {
            if let Ok(number) = E164Number::parse(number) {
                assert_eq!(destination(number), Destination::Unknown, "{number}");
            }
        }
        assert_eq!(of("+14115550100"), "Unknown");
    }

    #[test]
    fn elsewhere_the_longest_prefix_counts() {
        for (number, expected) in [
            ("+442079460000", "GB"),
            ("+441534960000", "JE"),
            ("+449098790000", "PremiumRate"),
            ("+390669812345", "VA"),
            ("+390612345678", "IT"),
            ("+77012345678", "KZ"),
            ("+79161234567", "RU"),
            ("+8210123456", "KR"),
            ("+8210", "KR"),
            ("+881612345678", "NonGeographic"),
            ("+979123456789", "PremiumRate"),
            ("+999123456", "Unknown"),
            ("+21", "Unknown"),
        ] {
            assert_eq!(of(number), expected, "{number}");
        }
    }

    #[test]
    fn no_prefix_stands_twice_in_a_table() {
        for table in [WORLD, AREAS] {
            assert!(table.is_sorted_by(|a, b| a.0 < b.0));
        }
    }
}
