//! Tags on resources, by ARN.

pub(super) mod list;
#[expect(
    clippy::module_inception,
    reason = "the resource is a tag and so is the verb: TagResource"
)]
pub(super) mod tag;
pub(super) mod untag;

use std::collections::BTreeMap;

use chime_api::types;
use model::{AccountId, Arn, SipMediaApplication, Tags, VoiceConnector, VoiceProfileDomain};
use store::{StoreError, TypedView as _, View};

use crate::error::{ApiError, ErrorKind};

/// What AWS keeps to itself.
const RESERVED_PREFIX: &str = "aws:";

/// Reads tags of a request: at most 50, no key twice, none of AWS's own. `member` names the list.
pub(super) fn parse_tags(
    member: &str,
    wire: Vec<types::Tag>,
) -> Result<BTreeMap<String, String>, ApiError> {
    let mut values = BTreeMap::new();
    for (at, tag) in wire.into_iter().enumerate() {
        let (key, value) = (tag.key.into_exposed(), tag.value.into_exposed());
        if key
            .get(..RESERVED_PREFIX.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(RESERVED_PREFIX))
        {
            return Err(ApiError::bad_request(format!(
                "{member}[{at}].Key is '{key}', but keys that begin with {RESERVED_PREFIX} are reserved; choose \
                 another"
            )));
        }
        if values.contains_key(&key) {
            return Err(ApiError::bad_request(format!(
                "{member}[{at}].Key: the key '{key}' is in the list twice; give each key once"
            )));
        }
        values.insert(key, value);
    }
    Ok(values)
}

/// The resource types that can have tags: those that are given some at their creation.
const TAGGABLE: [&str; 3] =
    [Arn::VOICE_CONNECTOR, Arn::SIP_MEDIA_APPLICATION, Arn::VOICE_PROFILE_DOMAIN];

/// Reads an ARN of this service, of a resource that can have tags.
fn parse_arn(text: &str) -> Result<Arn, ApiError> {
    let arn = Arn::parse(text).map_err(|refused| ApiError::bad_value("ResourceARN", &refused))?;
    if TAGGABLE.contains(&arn.kind.as_str()) {
        return Ok(arn);
    }
    Err(ApiError::bad_request(format!(
        "ResourceARN: resources of the type '{}' cannot have tags; those of the types {} can",
        arn.kind,
        TAGGABLE.join(", ")
    )))
}

/// Whether the account has the resource; another account's is as absent as one that never was.
fn exists(view: &dyn View, account: AccountId, arn: &Arn) -> Result<bool, StoreError> {
    if arn.account != account {
        return Ok(false);
    }
    let (account, id) = (&account, arn.id.as_str());
    let found = match arn.kind.as_str() {
        Arn::VOICE_CONNECTOR => view.get::<VoiceConnector>(account, id)?.map(|it| it.arn()),
        Arn::SIP_MEDIA_APPLICATION => {
            view.get::<SipMediaApplication>(account, id)?.map(|it| it.arn())
        }
        Arn::VOICE_PROFILE_DOMAIN => {
            view.get::<VoiceProfileDomain>(account, id)?.map(|it| it.arn())
        }
        _ => None,
    };
    Ok(found.is_some_and(|it| it == *arn))
}

/// The error for a resource that the account does not have.
fn no_such(arn: &Arn) -> ApiError {
    ApiError::new(
        ErrorKind::NotFound,
        format!("Could not find a resource with the ARN '{arn}'; send it as the API returned it"),
    )
}

/// A resource's tags; none if it has none.
fn load(view: &dyn View, account: AccountId, arn: &Arn) -> Result<Tags, StoreError> {
    let arn = arn.to_string();
    let stored = view.get::<Tags>(&account, &arn)?;
    Ok(stored.unwrap_or(Tags { account, arn, values: BTreeMap::new() }))
}
