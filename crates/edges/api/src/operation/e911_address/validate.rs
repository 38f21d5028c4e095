//! `ValidateE911Address`.

use aws_lc_rs::digest;
use chime_api::Sensitive;
use chime_api::types::{
    Address, CandidateAddress, ValidateE911AddressRequest, ValidateE911AddressResponse,
};
use model::TransactionId;

use super::rules::{Given, Normal, Verdict, judge};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};

/// Right as it was given.
const VALID: i32 = 0;
/// Right as the answer writes it.
const CORRECTED: i32 = 1;
/// Not to be used.
const FAILED: i32 = 2;

/// Tells whether an address can be given to an emergency service, and how it is written.
pub(crate) async fn validate(
    _context: &Context,
    permit: Permit,
    wire: ValidateE911AddressRequest,
) -> Result<ValidateE911AddressResponse, ApiError> {
    if wire.aws_account_id != permit.account().as_str() {
        return Err(ApiError::new(
            ErrorKind::Forbidden,
            format!(
                "AwsAccountId is not the account {} of the access key; send that",
                permit.account()
            ),
        ));
    }
    let country = wire.country.expose().trim().to_ascii_uppercase();
    if !["US", "USA", "UNITED STATES"].contains(&country.as_str()) {
        return Err(ApiError::bad_request(
            "Country is refused: addresses of the United States alone are validated; send \"US\"",
        ));
    }
    let verdict = judge(&Given {
        number: wire.street_number.expose(),
        street: wire.street_info.expose(),
        city: wire.city.expose(),
        state: wire.state.expose(),
        postal_code: wire.postal_code.expose(),
    });
    Ok(match verdict {
        Verdict::Valid(normal) => accepted(VALID, &normal),
        Verdict::Corrected(normal) => accepted(CORRECTED, &normal),
        Verdict::Failed(candidates) => ValidateE911AddressResponse {
            validation_result: Some(FAILED),
            candidate_address_list: Some(candidates.iter().map(candidate).collect()),
            ..ValidateE911AddressResponse::default()
        },
    })
}

fn accepted(result: i32, normal: &Normal) -> ValidateE911AddressResponse {
    let text = |it: &str| Some(Sensitive::new(it)).filter(|it| !it.expose().is_empty());
    ValidateE911AddressResponse {
        validation_result: Some(result),
        address_external_id: Some(external_id(normal)),
        address: Some(Address {
            street_number: text(&normal.number),
            pre_directional: text(&normal.pre_directional),
            street_name: text(&normal.street),
            street_suffix: text(&normal.suffix),
            post_directional: text(&normal.post_directional),
            city: text(&normal.city),
            state: text(normal.state),
            postal_code: text(&normal.postal_code),
            postal_code_plus4: text(&normal.plus4),
            country: text("US"),
        }),
        candidate_address_list: Some(Vec::new()),
    }
}

fn candidate(normal: &Normal) -> CandidateAddress {
    let text = |it: &str| Some(Sensitive::new(it)).filter(|it| !it.expose().is_empty());
    CandidateAddress {
        street_number: text(&normal.number),
        street_info: text(&normal.street_info()),
        city: text(&normal.city),
        state: text(normal.state),
        postal_code: text(&normal.postal_code),
        postal_code_plus4: text(&normal.plus4),
        country: text("US"),
    }
}

/// An id that is the same whenever the same address is asked for, so that nothing need be kept.
fn external_id(normal: &Normal) -> String {
    let line = format!(
        "{}\n{}\n{}\n{}\n{}\n{}",
        normal.number,
        normal.street_info(),
        normal.city,
        normal.state,
        normal.postal_code,
        normal.plus4
    );
    let whole = digest::digest(&digest::SHA256, line.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&whole.as_ref()[..16]);
    TransactionId::from_random(bytes).to_string()
}
