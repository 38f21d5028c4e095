//! What a number's digits tell: its country, whether it is toll-free, its area.
//!
//! Countries by ITU-T E.164 country codes, places of the United States by the area codes of the
//! North American Numbering Plan. The tables tell where a number was assigned, not where it rings.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::id::serde_by_text;
use crate::name::named;
use crate::{E164Number, Refused};

/// Pairs of leading digits and country; the longest match counts.
const COUNTRY_CODES: &str = include_str!("numbering/country_codes.txt");
/// A line for each area code of the United States: code, state, chief cities.
const AREA_CODES: &str = include_str!("numbering/area_codes.txt");

/// Toll-free area codes of the North American Numbering Plan.
const NANP_TOLL_FREE: &[&str] = &["800", "833", "844", "855", "866", "877", "888"];
/// What follows the country code in the toll-free numbers of the rest of the world.
const TOLL_FREE: &[&str] = &["800"];

static COUNTRIES: LazyLock<Vec<(&str, Country)>> = LazyLock::new(|| {
    let mut words = COUNTRY_CODES.split_whitespace();
    let mut pairs = Vec::new();
    while let (Some(digits), Some(country)) = (words.next(), words.next()) {
        let country = Country::parse(country).expect("the table holds countries; a test reads it");
        pairs.push((digits, country));
    }
    pairs.sort_by_key(|(digits, _)| *digits);
    pairs
});

static AREAS: LazyLock<Vec<Area>> = LazyLock::new(|| {
    let area = |line: &'static str| {
        let (code, rest) = line.split_once(' ')?;
        let (state, cities) = rest.split_once(' ')?;
        Some(Area { code, state, cities: cities.split(',').collect() })
    };
    AREA_CODES.lines().filter_map(area).collect()
});

/// An area of the United States that has a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// Three digits.
    pub code: &'static str,
    /// The state's two letters.
    pub state: &'static str,
    /// Its chief cities.
    pub cities: Vec<&'static str>,
}

impl Area {
    /// Every area, by code.
    pub fn all() -> &'static [Self] {
        &AREAS
    }

    /// Whether a city is here, in any case, however it writes "Saint".
    pub fn has_city(&self, city: &str) -> bool {
        let plain = |text: &str| {
            let text = text.trim().to_ascii_lowercase().replace("st. ", "saint ");
            text.strip_prefix("st ").map_or(text.clone(), |rest| format!("saint {rest}"))
        };
        self.cities.iter().any(|it| plain(it) == plain(city))
    }
}

/// A country: ISO 3166-1 alpha-2, in capitals.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

impl Country {
    /// The United States, whose numbers the API treats apart.
    pub const US: Self = Self(*b"US");

    /// Reads two capital letters.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        <[u8; 2]>::try_from(text.as_bytes())
            .ok()
            .filter(|letters| letters.iter().all(u8::is_ascii_uppercase))
            .map(Self)
            .ok_or_else(|| {
                Refused::new("country", text, "a country is two capital letters, such as \"US\"")
            })
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a Country holds ASCII letters")
    }

    /// The leading digits of its numbers, each with a plus, in order; empty if there are none.
    ///
    /// Longer digits may lead out of it again: ask each number.
    pub fn prefixes(self) -> Vec<String> {
        let own = COUNTRIES.iter().filter(|(_, country)| *country == self);
        own.map(|(digits, _)| format!("+{digits}")).collect()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
serde_by_text!(Country);

named! {
    /// The API's `PhoneNumberType`.
    NumberType {
        /// The caller pays.
        Local = "Local",
        /// The called party pays.
        TollFree = "TollFree",
    }
}

impl NumberType {
    /// The leading digits, each with a plus and in order, of a country's numbers of this type.
    pub fn prefixes(self, country: Country) -> Vec<String> {
        match self {
            Self::Local => country.prefixes(),
            Self::TollFree if country == Country::US => {
                NANP_TOLL_FREE.iter().map(|code| format!("+1{code}")).collect()
            }
            Self::TollFree => country
                .prefixes()
                .iter()
                .flat_map(|prefix| TOLL_FREE.iter().map(move |code| format!("{prefix}{code}")))
                .collect(),
        }
    }
}

impl E164Number {
    /// The country that the number was assigned in; `None` for codes of no country.
    pub fn country(self) -> Option<Country> {
        let digits = self.digits().to_string();
        let longest = (1..=4).rev().find_map(|length| {
            let leading = digits.get(..length)?;
            COUNTRIES.binary_search_by_key(&leading, |(known, _)| *known).ok()
        });
        longest.map(|at| COUNTRIES[at].1)
    }

    /// Whether the called party pays.
    pub fn number_type(self) -> NumberType {
        let digits = self.digits().to_string();
        let nanp = digits.strip_prefix('1').filter(|_| digits.len() == 11);
        let is_free = match nanp {
            Some(national) => NANP_TOLL_FREE.iter().any(|code| national.starts_with(code)),
            None => (1..=3).any(|length| {
                let is_code = digits.get(..length).is_some_and(|it| {
                    COUNTRIES.binary_search_by_key(&it, |(known, _)| *known).is_ok()
                });
                is_code && TOLL_FREE.iter().any(|code| digits[length..].starts_with(code))
            }),
        };
        if is_free { NumberType::TollFree } else { NumberType::Local }
    }

    /// The area code of a number of the North American Numbering Plan.
    pub fn area_code(self) -> Option<String> {
        let digits = self.digits().to_string();
        digits.strip_prefix('1').filter(|_| digits.len() == 11).map(|it| it[..3].to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> E164Number {
        E164Number::parse(text).unwrap()
    }

    #[test]
    fn a_number_tells_its_country_by_its_longest_known_digits() {
        for (text, country) in [
            ("+12065550100", "US"),
            ("+14165550100", "CA"),
            ("+17875550100", "PR"),
            ("+442079460100", "GB"),
            ("+4930123456", "DE"),
            ("+35312345678", "IE"),
            ("+79161234567", "RU"),
            ("+77012345678", "KZ"),
            ("+18005550100", "US"),
        ] {
            assert_eq!(number(text).country().unwrap().as_str(), country, "{text}");
        }
        assert_eq!(number("+80012345678").country(), None, "universal freephone has no country");
    }

    #[test]
    fn toll_free_numbers_are_told_from_local_ones() {
        for free in
            ["+18005550100", "+18335550100", "+18885550100", "+448001234567", "+498001234567"]
        {
            assert_eq!(number(free).number_type(), NumberType::TollFree, "{free}");
        }
        for local in ["+12065550100", "+18015550100", "+442079460100", "+498901234567"] {
            assert_eq!(number(local).number_type(), NumberType::Local, "{local}");
        }
    }

    #[test]
    fn area_codes_belong_to_the_united_states_and_none_is_there_twice() {
        let areas = Area::all();
        assert_eq!(areas.len(), AREA_CODES.lines().count(), "every line is read");
        assert!(areas.windows(2).all(|pair| pair[0].code < pair[1].code));
        for area in areas {
            let number = number(&format!("+1{}5550100", area.code));
            assert_eq!(number.country(), Some(Country::US), "{}", area.code);
            assert_eq!(number.number_type(), NumberType::Local, "{}", area.code);
            assert_eq!(number.area_code().as_deref(), Some(area.code));
        }
        let states: std::collections::BTreeSet<_> = areas.iter().map(|it| it.state).collect();
        assert_eq!(states.len(), 51, "fifty states and the District of Columbia");
    }

    #[test]
    fn cities_are_known_however_they_are_written() {
        let area = Area::all().iter().find(|it| it.code == "314").unwrap();
        for written in ["Saint Louis", "St. Louis", "st louis", " SAINT LOUIS "] {
            assert!(area.has_city(written), "{written}");
        }
        assert!(!area.has_city("Seattle"));
    }

    #[test]
    fn a_countrys_prefixes_lead_to_its_numbers() {
        let britain = Country::parse("GB").unwrap();
        assert_eq!(britain.prefixes(), ["+44"]);
        assert_eq!(NumberType::TollFree.prefixes(britain), ["+44800"]);
        assert_eq!(NumberType::TollFree.prefixes(Country::US).len(), 7);
        assert!(Country::parse("XX").unwrap().prefixes().is_empty());
        assert!(Country::parse("us").is_err());
    }
}
