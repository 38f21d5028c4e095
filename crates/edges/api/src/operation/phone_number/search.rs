//! `SearchAvailablePhoneNumbers`.

use chime_api::Sensitive;
use chime_api::types::{SearchAvailablePhoneNumbersRequest, SearchAvailablePhoneNumbersResponse};
use model::numbering::Area;
use model::{AccountId, Country, E164Number, NumberType, PhoneNumber, UnixMillis};
use store::{Listing as Stored, Page, StoreError, TypedView as _, View};

use super::CHUNK;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::name::ours;
use crate::operation::termination::calling_region::is_country;
use crate::page::{Listing, page_length};

/// Numbers that one page looks at before it ends early.
const SCANNED_MAX: usize = 50_000;

/// Tells free numbers of the inventory, page by page, in their order. It reserves none.
pub(crate) async fn search(
    context: &Context,
    _permit: Permit,
    wire: SearchAvailablePhoneNumbersRequest,
) -> Result<SearchAvailablePhoneNumbersResponse, ApiError> {
    let wanted = Wanted::parse(&wire)?;
    let types = wanted.number_type.map(|it| format!("{it:?}")).unwrap_or_default();
    let listing = Listing::new(&[
        "SearchAvailablePhoneNumbers",
        wanted.country.as_str(),
        &types,
        &wanted.prefixes.join(","),
    ]);
    let limit = page_length(wire.max_results.map(i64::from), 1..=500)?;
    let after = wire.next_token.map(|it| listing.key("NextToken", &it)).transpose()?;
    let now = context.clock.now();
    let page =
        context.read(move |view| wanted.scan(view, after.unwrap_or_default(), limit, now)).await?;
    let number = |it: &E164Number| Sensitive::new(it.to_string());
    Ok(SearchAvailablePhoneNumbersResponse {
        e164_phone_numbers: Some(page.items.iter().map(number).collect()),
        next_token: page.next.map(|key| listing.token(&key)),
    })
}

/// Which numbers are looked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    country: Country,
    number_type: Option<NumberType>,
    /// Leading digits, each with a plus: in order, none leading another.
    prefixes: Vec<String>,
}

impl Wanted {
    fn parse(wire: &SearchAvailablePhoneNumbersRequest) -> Result<Self, ApiError> {
        let number_type = wire.phone_number_type.map(|it| ours(it.as_str()));
        let country = wire.country.as_deref().unwrap_or("US");
        let country = Some(country)
            .filter(|it| is_country(it))
            .and_then(|it| Country::parse(it).ok())
            .ok_or_else(|| {
                ApiError::bad_request(format!(
                    "country is '{country}', which is no ISO 3166-1 alpha-2 country code; write two capital \
                     letters, such as US"
                ))
            })?;
        let mut prefixes = if country == Country::US {
            domestic_prefixes(wire)?
        } else {
            foreign_prefixes(wire, country, number_type)?
        };
        prefixes.sort();
        prefixes.dedup_by(|longer, shorter| longer.starts_with(shorter.as_str()));
        Ok(Self { country, number_type, prefixes })
    }

    fn shows(&self, phone: &PhoneNumber) -> bool {
        phone.owner.is_none()
            && phone.number.country() == Some(self.country)
            && self.number_type.is_none_or(|it| it == phone.number.number_type())
    }

    /// Fills a page with what is free; a page that looked at too much ends early.
    fn scan(
        &self,
        view: &dyn View,
        mut after: String,
        limit: usize,
        now: UnixMillis,
    ) -> Result<Stored<E164Number>, StoreError> {
        let (mut items, mut scanned) = (Vec::new(), 0);
        for prefix in &self.prefixes {
            if after > *prefix && !after.starts_with(prefix.as_str()) {
                continue;
            }
            // No number is as short as what leads to it, so none is passed over.
            let mut from = after.clone().max(prefix.clone());
            loop {
                let page = Page::after(&from, CHUNK);
                let chunk = view.list::<PhoneNumber>(&AccountId::DEFAULT, page)?;
                for phone in chunk.items {
                    let key = phone.number.to_string();
                    if !key.starts_with(prefix.as_str()) {
                        break;
                    }
                    if items.len() == limit || scanned == SCANNED_MAX {
                        return Ok(Stored { items, next: Some(after) });
                    }
                    (after, scanned) = (key, scanned + 1);
                    let phone = phone.at(now);
                    if self.shows(&phone) {
                        items.push(phone.number);
                    }
                }
                match chunk.next {
                    Some(next) if next.starts_with(prefix.as_str()) => from = next,
                    _ => break,
                }
            }
        }
        Ok(Stored { items, next: None })
    }
}

/// In the United States a place or a toll-free prefix must be named.
fn domestic_prefixes(wire: &SearchAvailablePhoneNumbersRequest) -> Result<Vec<String>, ApiError> {
    let place = (&wire.area_code, &wire.city, &wire.state);
    if let Some(prefix) = &wire.toll_free_prefix {
        if place != (&None, &None, &None) {
            return Err(ApiError::bad_request(
                "toll-free-prefix goes with no area-code, city or state, since toll-free numbers have no place; \
                 leave one or the other out",
            ));
        }
        return Ok(vec![format!("+1{prefix}")]);
    }
    if place == (&None, &None, &None) {
        return Err(ApiError::bad_request(
            "name at least one of area-code, city with state, state and toll-free-prefix to search in the United \
             States",
        ));
    }
    if wire.city.is_some() && wire.state.is_none() {
        return Err(ApiError::bad_request(
            "city is named without state, and many cities share a name; name the state as well",
        ));
    }
    if let Some(code) = &wire.area_code
        && !(code.len() == 3 && code.bytes().all(|it| it.is_ascii_digit()))
    {
        return Err(ApiError::bad_request(
            "area-code is refused: an area code has three digits, such as 206",
        ));
    }
    let state = wire.state.as_deref().map(parse_state).transpose()?;
    if let (Some(code), None) = (&wire.area_code, state) {
        return Ok(vec![format!("+1{code}")]);
    }
    let here = |area: &&Area| {
        state.is_none_or(|it| it == area.state)
            && wire.area_code.as_deref().is_none_or(|it| it == area.code)
            && wire.city.as_deref().is_none_or(|it| area.has_city(it))
    };
    Ok(Area::all().iter().filter(here).map(|it| format!("+1{}", it.code)).collect())
}

/// A state by its two letters, in any case.
fn parse_state(text: &str) -> Result<&'static str, ApiError> {
    let known = Area::all().iter().find(|it| it.state.eq_ignore_ascii_case(text.trim()));
    known.map(|it| it.state).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        ApiError::bad_request(format!(
            "state is '{shown}', which is no state of the United States; write its two letters, such as WA"
        ))
    })
}

/// Elsewhere the type alone says what is looked for.
fn foreign_prefixes(
    wire: &SearchAvailablePhoneNumbersRequest,
    country: Country,
    number_type: Option<NumberType>,
) -> Result<Vec<String>, ApiError> {
    let places = [&wire.area_code, &wire.city, &wire.state, &wire.toll_free_prefix];
    if places.iter().any(|it| it.is_some()) {
        return Err(ApiError::bad_request(format!(
            "area-code, city, state and toll-free-prefix are of the United States; for {country} name \
             phone-number-type alone"
        )));
    }
    let number_type = number_type.ok_or_else(|| {
        ApiError::bad_request(format!(
            "phone-number-type is missing; for {country} name it: Local or TollFree"
        ))
    })?;
    Ok(number_type.prefixes(country))
}
