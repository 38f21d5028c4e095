//! SIP media applications: a function that is asked what to do with calls.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::serde_by_text;
use crate::{AccountId, Arn, Kind, Refused, Region, Resource, SipMediaApplicationId, UnixMillis};

/// A named function that decides on calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipMediaApplication {
    /// Its identifier.
    pub id: SipMediaApplicationId,
    /// Its owner.
    pub account: AccountId,
    /// The region it was created in; never changes.
    pub region: Region,
    /// A name of 1–256 characters of `[a-zA-Z0-9 _.-]`; need not be unique.
    pub name: String,
    /// The function that is asked; of the application's own region.
    pub function: FunctionArn,
    /// Whether the SIP messages of its calls are logged.
    pub message_logs: bool,
    /// When it was created.
    pub created: UnixMillis,
    /// When its name or function was last changed.
    pub updated: UnixMillis,
}

impl SipMediaApplication {
    /// `arn:aws:chime:{region}:{account}:sma/{id}`.
    pub fn arn(&self) -> Arn {
        Arn {
            region: self.region,
            account: self.account,
            kind: Arn::SIP_MEDIA_APPLICATION.into(),
            id: self.id.to_string(),
        }
    }
}

impl Resource for SipMediaApplication {
    const KIND: Kind = Kind::SipMediaApplication;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        self.id.to_string()
    }
}

/// The ARN of a function, as AWS Lambda names them:
/// `arn:{partition}:lambda:{region}:{account}:function:{name}`, and `:{version or alias}` if any.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FunctionArn(Box<str>);

impl FunctionArn {
    /// Reads a function's ARN.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let is_word = |it: &str| {
            !it.is_empty()
                && it.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        let parts: Vec<&str> = text.split(':').collect();
        let [prefix, partition, service, region, account, noun, name, qualifier @ ..] = &parts[..]
        else {
            return Err(Self::refuse(text));
        };
        let has_right_head = *prefix == "arn"
            && (partition.is_empty() || partition.starts_with("aws") && is_word(partition))
            && *service == "lambda"
            && *noun == "function";
        let has_right_qualifier = match qualifier {
            [] => true,
            [one] => *one == "$LATEST" || is_word(one),
            _ => false,
        };
        let is_right = has_right_head
            && is_word(region)
            && AccountId::parse(account).is_ok()
            && is_word(name)
            && has_right_qualifier;
        if is_right { Ok(Self(text.into())) } else { Err(Self::refuse(text)) }
    }

    fn refuse(text: &str) -> Refused {
        Refused::new(
            "function ARN",
            text,
            "a function is named arn:aws:lambda:{region}:{account}:function:{name}, with :{alias or version} if \
             it has one",
        )
    }

    /// The region that the function is in, which need not be one of the API's.
    pub fn region(&self) -> &str {
        self.0.split(':').nth(3).expect("a parsed ARN has a region")
    }

    /// The ARN's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FunctionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
serde_by_text!(FunctionArn);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_by_its_arn_with_or_without_an_alias() {
        for good in [
            "arn:aws:lambda:us-east-1:000000000000:function:ivr",
            "arn:aws:lambda:eu-west-2:111122223333:function:my_ivr-2:live",
            "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:ivr:$LATEST",
        ] {
            assert_eq!(FunctionArn::parse(good).unwrap().as_str(), good);
        }
        let arn = "arn:aws:lambda:eu-west-2:111122223333:function:ivr";
        assert_eq!(FunctionArn::parse(arn).unwrap().region(), "eu-west-2");
    }

    #[test]
    fn what_is_no_functions_arn_is_refused() {
        for bad in [
            "",
            "ivr",
            "arn:aws:lambda:us-east-1:000000000000:function",
            "arn:aws:lambda:us-east-1:000000000000:function:",
            "arn:aws:lambda:us-east-1:0000:function:ivr",
            "arn:aws:lambda:us-east-1:000000000000:layer:ivr",
            "arn:aws:s3:us-east-1:000000000000:function:ivr",
            "arn:aws:lambda:us-east-1:000000000000:function:ivr:a:b",
            "arn:aws:lambda:us-east-1:000000000000:function:i v r",
        ] {
            assert!(FunctionArn::parse(bad).is_err(), "{bad}");
        }
    }
}
