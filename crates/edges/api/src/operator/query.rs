//! Query parameters of the operator API.

use std::str::FromStr;

use crate::error::ApiError;
use crate::page::page_length;

/// The parameters of one request. What nobody asked for is refused at the end.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Takes a query string apart.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for parameter in text.split('&').filter(|it| !it.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let name = decode(name)?;
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err(ApiError::bad_request(format!(
                    "{name} is in the query twice; give it once"
                )));
            }
            parameters.push((name, decode(value)?));
        }
        Ok(Self(parameters))
    }

    /// Takes a parameter out as text.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Takes a parameter out as a value.
    pub(super) fn take_as<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, ApiError>
    where
        T::Err: std::fmt::Display,
    {
        let parsed = self.take(name).map(|text| text.parse::<T>());
        parsed.transpose().map_err(|error| ApiError::bad_request(format!("{name}: {error}")))
    }

    /// Takes out the page length.
    pub(super) fn take_page_length(&mut self) -> Result<usize, ApiError> {
        page_length(self.take_as("max-results")?, 1..=super::PAGE_MAX)
    }

    /// Refuses what was not taken.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(ApiError::bad_request(format!(
                "this request knows no parameter '{}'; leave it out",
                name.chars().take(40).collect::<String>()
            ))),
        }
    }
}

/// Undoes percent-encoding. A plus stays a plus: these are not forms, and numbers begin with it.
pub(super) fn decode(text: &str) -> Result<String, ApiError> {
    let refuse = || {
        ApiError::bad_request(
            "the path or query is not percent-encoded UTF-8; encode it from its plain form",
        )
    };
    let hex = |digit: u8| char::from(digit).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            out.push(first);
            continue;
        }
        let [high, low, after @ ..] = rest else { return Err(refuse()) };
        out.push(hex(*high).ok_or_else(refuse)? << 4 | hex(*low).ok_or_else(refuse)?);
        rest = after;
    }
    String::from_utf8(out).map_err(|_| refuse())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_taken_by_name_and_the_rest_is_refused() {
        let mut query = Query::parse("account=000000000000&prefix=%2B1206&x").unwrap();
        assert_eq!(query.take("prefix").as_deref(), Some("+1206"));
        assert_eq!(query.take("absent"), None);
        assert!(query.take_as::<model::AccountId>("account").unwrap().is_some());
        assert!(query.finish().is_err());
    }

    #[test]
    fn a_parameter_that_is_given_twice_or_badly_encoded_is_refused() {
        for bad in ["a=1&a=2", "a=%", "a=%4", "a=%zz", "%ff=1"] {
            assert!(Query::parse(bad).is_err(), "{bad}");
        }
        assert!(Query::parse("a=+").unwrap().take("a").as_deref() == Some("+"));
    }
}
