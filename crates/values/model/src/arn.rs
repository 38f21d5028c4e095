//! Amazon Resource Names of the service's resources.

use std::fmt;

use crate::{AccountId, Refused, Region};

/// `arn:aws:chime:{region}:{account}:{kind}/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Arn {
    /// The region it names.
    pub region: Region,
    /// The owner it names.
    pub account: AccountId,
    /// The resource type: `vc`, `vcg`, `phone-number`, `sma`, `voice-profile-domain`, `voice-profile`.
    pub kind: String,
    /// What follows the slash.
    pub id: String,
}

impl Arn {
    /// The resource type of a Voice Connector.
    pub const VOICE_CONNECTOR: &'static str = "vc";
    /// The resource type of a Voice Connector group.
    pub const VOICE_CONNECTOR_GROUP: &'static str = "vcg";
    /// The resource type of a phone number.
    pub const PHONE_NUMBER: &'static str = "phone-number";
    /// The resource type of a SIP media application.
    pub const SIP_MEDIA_APPLICATION: &'static str = "sma";
    /// The resource type of a voice profile.
    pub const VOICE_PROFILE: &'static str = "voice-profile";
    /// The resource type of a voice profile domain.
    pub const VOICE_PROFILE_DOMAIN: &'static str = "voice-profile-domain";

    /// Reads an ARN of this service.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let refuse = || {
            Refused::new(
                "ARN",
                text,
                "an ARN is arn:aws:chime:{region}:{account}:{type}/{id}, as the API returns it",
            )
        };
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [prefix, partition, service, region, account, resource] = parts[..] else {
            return Err(refuse());
        };
        let (kind, id) = resource.split_once('/').ok_or_else(refuse)?;
        let ours = prefix == "arn" && partition == "aws" && service == "chime";
        if !ours || kind.is_empty() || id.is_empty() {
            return Err(refuse());
        }
        let region = Region::parse(region).map_err(|_| refuse())?;
        let account = AccountId::parse(account).map_err(|_| refuse())?;
        Ok(Self { region, account, kind: kind.into(), id: id.into() })
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:aws:chime:{}:{}:{}/{}", self.region, self.account, self.kind, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_prints_as_it_was_read() {
        let text = "arn:aws:chime:eu-west-1:000000000000:vc/dr3rbaar376u5r4ntcnlq4";
        assert_eq!(Arn::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn an_arn_of_another_service_or_shape_is_refused() {
        for bad in [
            "",
            "arn:aws:s3:::bucket",
            "arn:aws:chime:us-east-1:000000000000:vc",
            "arn:aws:chime:mars-1:000000000000:vc/x",
            "arn:aws:chime:us-east-1:1:vc/x",
        ] {
            assert!(Arn::parse(bad).is_err(), "{bad}");
        }
    }
}
