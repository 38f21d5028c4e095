//! What can be told of an address of the United States without asking anybody.
//!
//! The address is brought into the postal service's form (capitals, its abbreviations, no unit) and
//! its postal code is held against its state. Whether the house stands there only a provider of
//! location data knows: [`judge`] is the one place where its word would come in.

/// An address as a caller gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given<'a> {
    pub(super) number: &'a str,
    pub(super) street: &'a str,
    pub(super) city: &'a str,
    pub(super) state: &'a str,
    pub(super) postal_code: &'a str,
}

/// An address in the postal service's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Normal {
    pub(super) number: String,
    pub(super) pre_directional: String,
    pub(super) street: String,
    pub(super) suffix: String,
    pub(super) post_directional: String,
    pub(super) city: String,
    pub(super) state: &'static str,
    pub(super) postal_code: String,
    pub(super) plus4: String,
}

impl Normal {
    /// The street with its directions and suffix.
    pub(super) fn street_info(&self) -> String {
        let parts = [&self.pre_directional, &self.street, &self.suffix, &self.post_directional];
        let parts: Vec<&str> =
            parts.iter().map(|it| it.as_str()).filter(|it| !it.is_empty()).collect();
        parts.join(" ")
    }

    /// The postal code with what extends it.
    fn whole_postal_code(&self) -> String {
        match self.plus4.as_str() {
            "" => self.postal_code.clone(),
            plus4 => format!("{}-{plus4}", self.postal_code),
        }
    }
}

/// What the rules say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Right as it was given.
    Valid(Normal),
    /// Right once it is written so.
    Corrected(Normal),
    /// Not to be used; these may have been meant.
    Failed(Vec<Normal>),
}

const DIRECTIONALS: &[(&str, &str)] = &[
    ("NORTH", "N"),
    ("SOUTH", "S"),
    ("EAST", "E"),
    ("WEST", "W"),
    ("NORTHEAST", "NE"),
    ("NORTHWEST", "NW"),
    ("SOUTHEAST", "SE"),
    ("SOUTHWEST", "SW"),
];

const SUFFIXES: &[(&str, &str)] = &[
    ("ALLEY", "ALY"),
    ("AVENUE", "AVE"),
    ("AV", "AVE"),
    ("BOULEVARD", "BLVD"),
    ("BROADWAY", "BROADWAY"),
    ("CIRCLE", "CIR"),
    ("COURT", "CT"),
    ("COVE", "CV"),
    ("CREEK", "CRK"),
    ("CROSSING", "XING"),
    ("DRIVE", "DR"),
    ("EXPRESSWAY", "EXPY"),
    ("FREEWAY", "FWY"),
    ("GARDENS", "GDNS"),
    ("HEIGHTS", "HTS"),
    ("HIGHWAY", "HWY"),
    ("HILL", "HL"),
    ("HOLLOW", "HOLW"),
    ("LANE", "LN"),
    ("LOOP", "LOOP"),
    ("MANOR", "MNR"),
    ("PARK", "PARK"),
    ("PARKWAY", "PKWY"),
    ("PKY", "PKWY"),
    ("PASS", "PASS"),
    ("PATH", "PATH"),
    ("PIKE", "PIKE"),
    ("PLACE", "PL"),
    ("PLAZA", "PLZ"),
    ("POINT", "PT"),
    ("RIDGE", "RDG"),
    ("ROAD", "RD"),
    ("ROUTE", "RTE"),
    ("ROW", "ROW"),
    ("RUN", "RUN"),
    ("SQUARE", "SQ"),
    ("STREET", "ST"),
    ("STR", "ST"),
    ("TERRACE", "TER"),
    ("TRACE", "TRCE"),
    ("TRAIL", "TRL"),
    ("TURNPIKE", "TPKE"),
    ("VIEW", "VW"),
    ("WALK", "WALK"),
    ("WAY", "WAY"),
];

/// What begins the part of an address that is inside a building.
const UNITS: &[&str] =
    &["APARTMENT", "APT", "BUILDING", "BLDG", "FLOOR", "FL", "ROOM", "RM", "STE", "SUITE", "UNIT"];

/// Holds an address against the rules.
pub(super) fn judge(given: &Given<'_>) -> Verdict {
    let Some(normal) = normalize(given) else { return Verdict::Failed(Vec::new()) };
    if !State::of_code(normal.state).is_some_and(|it| it.has(&normal.postal_code)) {
        let meant = State::of_postal_code(&normal.postal_code);
        let candidate = meant.map(|it| Normal { state: it.code, ..normal });
        return Verdict::Failed(candidate.into_iter().collect());
    }
    let as_given = [given.number, given.street, given.city, given.state, given.postal_code];
    let (street, code) = (normal.street_info(), normal.whole_postal_code());
    let written = [&normal.number, &street, &normal.city, normal.state, &code];
    let is_same = as_given.iter().zip(written).all(|(given, it)| given.eq_ignore_ascii_case(it));
    if is_same { Verdict::Valid(normal) } else { Verdict::Corrected(normal) }
}

/// An address in the postal service's form; `None` if it lacks something or is none.
fn normalize(given: &Given<'_>) -> Option<Normal> {
    let number = words(given.number).join(" ");
    if !number.starts_with(|it: char| it.is_ascii_digit()) {
        return None;
    }
    let mut street = words(given.street);
    if let Some(unit) =
        street.iter().skip(1).position(|it| it.starts_with('#') || UNITS.contains(&it.as_str()))
    {
        street.truncate(unit + 1);
    }
    let post_directional = take_last(&mut street, DIRECTIONALS);
    let suffix = take_last(&mut street, SUFFIXES);
    let pre_directional = match street.first().and_then(|it| short(it, DIRECTIONALS)) {
        Some(direction) if street.len() > 1 => {
            street.remove(0);
            direction
        }
        _ => "",
    };
    let (postal_code, plus4) = split_postal_code(given.postal_code)?;
    let city = words(given.city).join(" ");
    if street.is_empty() || !city.starts_with(|it: char| it.is_alphabetic()) {
        return None;
    }
    Some(Normal {
        number,
        pre_directional: pre_directional.into(),
        street: street.join(" "),
        suffix: suffix.into(),
        post_directional: post_directional.into(),
        city,
        state: State::named(&words(given.state).join(" "))?.code,
        postal_code,
        plus4,
    })
}

/// The words of a text in capitals, without dots and commas.
fn words(text: &str) -> Vec<String> {
    let plain = text.to_uppercase().replace(['.', ','], " ");
    plain.split_whitespace().map(str::to_owned).collect()
}

/// The abbreviation of a word that a table has, be it abbreviated already.
fn short(word: &str, table: &'static [(&str, &str)]) -> Option<&'static str> {
    table.iter().find(|(long, short)| word == *long || word == *short).map(|(_, short)| *short)
}

/// Takes the last word away if a table has it and others are left.
fn take_last(words: &mut Vec<String>, table: &'static [(&str, &str)]) -> &'static str {
    match words.last().and_then(|it| short(it, table)) {
        Some(found) if words.len() > 1 => {
            words.pop();
            found
        }
        _ => "",
    }
}

/// `98101`, `98101-1234` or `981011234` as its two parts.
fn split_postal_code(text: &str) -> Option<(String, String)> {
    let digits: String = text.trim().chars().filter(|it| *it != '-').collect();
    let is_code = matches!(digits.len(), 5 | 9) && digits.bytes().all(|it| it.is_ascii_digit());
    is_code.then(|| (digits[..5].to_owned(), digits[5..].to_owned()))
}

/// A state and its postal codes.
struct State {
    code: &'static str,
    name: String,
    /// Ranges of the first three digits.
    ranges: Vec<(&'static str, &'static str)>,
}

impl State {
    fn all() -> impl Iterator<Item = Self> {
        include_str!("states.txt").lines().filter_map(|line| {
            let mut parts = line.split(' ');
            let (code, name) = (parts.next()?, parts.next()?.replace('_', " "));
            let ranges = parts.next()?.split(',').filter_map(|it| it.split_once('-')).collect();
            Some(Self { code, name, ranges })
        })
    }

    fn named(text: &str) -> Option<Self> {
        Self::all().find(|it| it.code == text || it.name == text)
    }

    fn of_code(code: &str) -> Option<Self> {
        Self::all().find(|it| it.code == code)
    }

    fn of_postal_code(postal_code: &str) -> Option<Self> {
        Self::all().find(|it| it.has(postal_code))
    }

    fn has(&self, postal_code: &str) -> bool {
        let area = &postal_code[..3];
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&area))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFICE: Given<'_> = Given {
        number: "410",
        street: "Terry Ave N",
        city: "Seattle",
        state: "WA",
        postal_code: "98109",
    };

    #[test]
    fn an_address_in_the_postal_form_is_valid_in_any_case() {
        let Verdict::Valid(normal) = judge(&OFFICE) else { panic!("{:?}", judge(&OFFICE)) };
        assert_eq!((normal.street.as_str(), normal.suffix.as_str()), ("TERRY", "AVE"));
        assert_eq!((normal.post_directional.as_str(), normal.state), ("N", "WA"));
    }

    #[test]
    fn what_can_be_written_better_is_corrected() {
        for street in ["Terry Avenue North", "terry ave. n., Suite 300", "Terry  Av North #4"] {
            let Verdict::Corrected(normal) = judge(&Given { street, ..OFFICE }) else {
                panic!("{street}")
            };
            assert_eq!(normal.street_info(), "TERRY AVE N", "{street}");
        }
        let Verdict::Corrected(normal) =
            judge(&Given { state: "Washington", postal_code: "981091234", ..OFFICE })
        else {
            panic!("the state's name is no postal form")
        };
        assert_eq!((normal.state, normal.plus4.as_str()), ("WA", "1234"));
    }

    #[test]
    fn a_postal_code_of_another_state_fails_with_what_may_have_been_meant() {
        let Verdict::Failed(candidates) = judge(&Given { state: "OR", ..OFFICE }) else {
            panic!("98109 is not in Oregon")
        };
        assert_eq!(candidates.len(), 1);
        assert_eq!((candidates[0].state, candidates[0].postal_code.as_str()), ("WA", "98109"));
    }

    #[test]
    fn what_is_no_address_fails_without_candidates() {
        for bad in [
            Given { number: "x", ..OFFICE },
            Given { street: " . ", ..OFFICE },
            Given { city: "7", ..OFFICE },
            Given { state: "ZZ", ..OFFICE },
            Given { postal_code: "9810", ..OFFICE },
            Given { postal_code: "98é09", ..OFFICE },
            Given { postal_code: "00000", ..OFFICE },
        ] {
            assert_eq!(judge(&bad), Verdict::Failed(Vec::new()), "{bad:?}");
        }
    }

    #[test]
    fn every_line_of_states_is_read_and_no_postal_code_is_in_two() {
        let states: Vec<State> = State::all().collect();
        assert_eq!(states.len(), 51);
        for area in 0..1000 {
            let code = format!("{area:03}00");
            assert!(states.iter().filter(|it| it.has(&code)).count() <= 1, "{code}");
        }
    }
}
