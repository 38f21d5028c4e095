//! ARNs of what requests are about, and the tags it has.

use model::{
    AccountId, Arn, Region, SipMediaApplication, Tags, VoiceConnector, VoiceConnectorGroup,
    VoiceProfile, VoiceProfileDomain,
};
use store::{StoreError, TypedView as _, View};

use super::about::{Target, Type};

/// A resource as a policy sees it.
pub(super) struct Found {
    /// Its ARN; `*` if the request is about the account as a whole.
    pub(super) arn: String,
    /// Its tags, as key and value; none if it is absent or has none.
    pub(super) tags: Vec<(String, String)>,
}

/// Finds the ARN of a target, whose region is that of the resource itself and not what a request says,
/// and its tags. What does not exist, or has no region, is in the installation's own.
pub(super) fn find<V: View + ?Sized>(
    view: &V,
    account: AccountId,
    target: &Target,
    own_region: Region,
) -> Result<Found, StoreError> {
    let arn = match target {
        Target::Everything => "*".to_owned(),
        Target::Arn(text) => text.clone(),
        Target::Every(of) => print("*", account, *of, "*"),
        Target::New { of, region } => {
            let region = region.as_deref().unwrap_or(own_region.as_str());
            print(region, account, *of, "*")
        }
        Target::One(of, id) => {
            let region = region_of(view, account, *of, id)?.unwrap_or(own_region);
            print(region.as_str(), account, *of, id)
        }
    };
    let tags = view.get::<Tags>(&account, &arn)?.map(|it| it.values).unwrap_or_default();
    Ok(Found { arn, tags: tags.into_iter().collect() })
}

fn print(region: &str, account: AccountId, of: Type, id: &str) -> String {
    format!("arn:aws:chime:{region}:{account}:{}/{id}", of.as_str())
}

fn region_of<V: View + ?Sized>(
    view: &V,
    account: AccountId,
    of: Type,
    id: &str,
) -> Result<Option<Region>, StoreError> {
    let arn: Option<Arn> = match of {
        Type::VoiceConnector => view.get::<VoiceConnector>(&account, id)?.map(|it| it.arn()),
        Type::VoiceConnectorGroup => {
            view.get::<VoiceConnectorGroup>(&account, id)?.map(|it| it.arn())
        }
        Type::SipMediaApplication => {
            view.get::<SipMediaApplication>(&account, id)?.map(|it| it.arn())
        }
        Type::VoiceProfile => view.get::<VoiceProfile>(&account, id)?.map(|it| it.arn()),
        Type::VoiceProfileDomain => {
            view.get::<VoiceProfileDomain>(&account, id)?.map(|it| it.arn())
        }
        Type::PhoneNumber | Type::PhoneNumberOrder | Type::SipRule => None,
    };
    Ok(arn.map(|it| it.region))
}
