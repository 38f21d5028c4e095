//! The regions a Voice Connector can say it lives in.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::id::serde_by_text;

macro_rules! regions {
    ($($(#[$attr:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// One of the ten regions of the API's `VoiceConnectorAwsRegion`.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Region { $(#[doc = $name] $(#[$attr])* $variant),+ }

        impl Region {
            /// Every region, in the order the API lists them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The region's name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

regions! {
    #[default] UsEast1 = "us-east-1",
    UsWest2 = "us-west-2",
    CaCentral1 = "ca-central-1",
    EuCentral1 = "eu-central-1",
    EuWest1 = "eu-west-1",
    EuWest2 = "eu-west-2",
    ApNortheast1 = "ap-northeast-1",
    ApNortheast2 = "ap-northeast-2",
    ApSoutheast1 = "ap-southeast-1",
    ApSoutheast2 = "ap-southeast-2",
}

impl Region {
    /// Reads a region's name.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        Self::ALL.iter().copied().find(|it| it.as_str() == text).ok_or_else(|| {
            Refused::new(
                "region",
                text,
                "a region is one of us-east-1, us-west-2, ca-central-1, eu-central-1, eu-west-1, \
                 eu-west-2, ap-northeast-1, ap-northeast-2, ap-southeast-1, ap-southeast-2",
            )
        })
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
serde_by_text!(Region);
