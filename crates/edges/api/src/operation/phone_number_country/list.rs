//! `ListSupportedPhoneNumberCountries`.

use chime_api::types::{
    ListSupportedPhoneNumberCountriesRequest, ListSupportedPhoneNumberCountriesResponse,
    PhoneNumberCountry, PhoneNumberProductType, PhoneNumberType,
};

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Where Voice Connectors have numbers.
const VOICE_CONNECTOR: &[&str] = &["US"];
/// Where SIP media applications have numbers.
const SIP_MEDIA_APPLICATION: &[&str] = &[
    "AT", "AU", "CA", "CH", "DE", "DK", "FI", "GB", "IE", "IT", "KR", "NG", "NZ", "PR", "SE", "US",
];

/// Tells the countries of a product. Which numbers there are, the inventory decides.
pub(crate) async fn list(
    _context: &Context,
    _permit: Permit,
    wire: ListSupportedPhoneNumberCountriesRequest,
) -> Result<ListSupportedPhoneNumberCountriesResponse, ApiError> {
    let countries = match wire.product_type {
        PhoneNumberProductType::VoiceConnector => VOICE_CONNECTOR,
        PhoneNumberProductType::SipMediaApplicationDialIn => SIP_MEDIA_APPLICATION,
    };
    let country = |code: &&str| PhoneNumberCountry {
        country_code: Some((*code).to_owned()),
        supported_phone_number_types: Some(PhoneNumberType::ALL.to_vec()),
    };
    Ok(ListSupportedPhoneNumberCountriesResponse {
        phone_number_countries: Some(countries.iter().map(country).collect()),
    })
}
