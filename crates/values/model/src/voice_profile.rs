//! Voice profiles: whose voice is known, by domain.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::serde_by_text;
use crate::{
    AccountId, Arn, Kind, Refused, Region, Resource, SpeakerSearchTaskId, UnixMillis,
    VoiceProfileDomainId, VoiceProfileId,
};

/// A set of voice profiles that one search looks through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceProfileDomain {
    /// Its identifier.
    pub id: VoiceProfileDomainId,
    /// Its owner.
    pub account: AccountId,
    /// The region of the installation when it was created; never changes.
    pub region: Region,
    /// A name of 1–256 characters of `[a-zA-Z0-9 _.-]`; need not be unique.
    pub name: String,
    /// At most 1024 characters for people; `None` if never given.
    pub description: Option<String>,
    /// The key that voiceprints are to be encrypted with; never changes.
    pub encryption_key: KmsKeyArn,
    /// When it was created.
    pub created: UnixMillis,
    /// When it was last updated.
    pub updated: UnixMillis,
}

impl VoiceProfileDomain {
    /// `arn:aws:chime:{region}:{account}:voice-profile-domain/{id}`.
    pub fn arn(&self) -> Arn {
        Arn {
            region: self.region,
            account: self.account,
            kind: Arn::VOICE_PROFILE_DOMAIN.into(),
            id: self.id.to_string(),
        }
    }
}

impl Resource for VoiceProfileDomain {
    const KIND: Kind = Kind::VoiceProfileDomain;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        self.id.to_string()
    }
}

/// One speaker's voice, known for three years from the last search that it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceProfile {
    /// Its identifier.
    pub id: VoiceProfileId,
    /// Its owner.
    pub account: AccountId,
    /// The region of its domain.
    pub region: Region,
    /// The domain it belongs to.
    pub domain: VoiceProfileDomainId,
    /// The speaker search that its voiceprint is from.
    pub source: SpeakerSearchTaskId,
    /// When it was created.
    pub created: UnixMillis,
    /// When it last got a voiceprint.
    pub updated: UnixMillis,
}

impl VoiceProfile {
    /// How long a voiceprint is kept, in milliseconds: 3 years of 365 days.
    pub const LIFETIME_MS: u64 = 3 * 365 * 86_400_000;

    /// `arn:aws:chime:{region}:{account}:voice-profile/{id}`.
    pub fn arn(&self) -> Arn {
        Arn {
            region: self.region,
            account: self.account,
            kind: Arn::VOICE_PROFILE.into(),
            id: self.id.to_string(),
        }
    }

    /// When it ends, unless it gets a new voiceprint before.
    pub const fn expires(&self) -> UnixMillis {
        UnixMillis(self.updated.0.saturating_add(Self::LIFETIME_MS))
    }

    /// Whether it has ended at `now`: then it is as good as deleted.
    pub fn is_expired(&self, now: UnixMillis) -> bool {
        now >= self.expires()
    }
}

impl Resource for VoiceProfile {
    const KIND: Kind = Kind::VoiceProfile;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn parent(&self) -> String {
        self.domain.to_string()
    }
}

/// The ARN of an encryption key: `arn:{partition}:kms:{region}:{account}:key/{id}`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KmsKeyArn(Box<str>);

impl KmsKeyArn {
    /// Reads a key's ARN.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let is_word =
            |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let parts: Vec<&str> = text.split(':').collect();
        let is_right = match parts[..] {
            ["arn", partition, "kms", region, account, key] => {
                partition.starts_with("aws")
                    && is_word(partition)
                    && is_word(region)
                    && AccountId::parse(account).is_ok()
                    && key.strip_prefix("key/").is_some_and(is_word)
            }
            _ => false,
        };
        if is_right {
            return Ok(Self(text.into()));
        }
        Err(Refused::new(
            "key ARN",
            text,
            "an encryption key is named arn:aws:kms:{region}:{account}:key/{id}",
        ))
    }

    /// The ARN's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KmsKeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
serde_by_text!(KmsKeyArn);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encryption_key_is_named_by_its_arn() {
        for good in [
            "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
        ] {
            assert_eq!(KmsKeyArn::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "arn:aws:kms:us-east-1:000000000000:alias/voice",
            "arn:aws:kms:us-east-1:000000000000:key/",
            "arn:aws:s3:us-east-1:000000000000:key/a",
            "arn:aws:kms:us-east-1:1:key/a",
        ] {
            assert!(KmsKeyArn::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_profile_ends_three_years_after_its_last_voiceprint() {
        let profile = VoiceProfile {
            id: VoiceProfileId::from_random([1; 16]),
            account: AccountId::DEFAULT,
            region: Region::UsEast1,
            domain: VoiceProfileDomainId::from_random([2; 16]),
            source: SpeakerSearchTaskId::from_random([3; 16]),
            created: UnixMillis(0),
            updated: UnixMillis(1000),
        };
        assert!(!profile.is_expired(UnixMillis(94_608_000_999)));
        assert!(profile.is_expired(UnixMillis(94_608_001_000)));
    }
}
