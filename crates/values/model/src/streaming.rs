//! Streaming: whether a connector's calls are copied to a media stream, and who is told.

use serde::{Deserialize, Serialize};

use crate::name::named;
use crate::{AccountId, Kind, Resource, VoiceConnectorId};

/// The streaming of one Voice Connector's calls. A put replaces all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streaming {
    /// The connector's owner.
    pub account: AccountId,
    /// The connector it belongs to.
    pub connector: VoiceConnectorId,
    /// How long streams are kept, in hours; 0: not beyond the call.
    pub retention_hours: u32,
    /// True while nothing is streamed.
    pub disabled: bool,
    /// Who is told of streams, none twice; may be empty.
    pub targets: Vec<StreamingTarget>,
    /// The analysis that calls go to, if any.
    pub insights: Option<MediaInsights>,
}

named! {
    /// The API's `NotificationTarget`.
    StreamingTarget {
        /// An event bus.
        EventBridge = "EventBridge",
        /// A topic.
        Sns = "SNS",
        /// A queue.
        Sqs = "SQS",
    }
}

/// Which analysis calls go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaInsights {
    /// True while it is switched off.
    pub disabled: bool,
    /// The configuration's ARN; there while it is switched on.
    pub configuration_arn: Option<String>,
}

impl Resource for Streaming {
    const KIND: Kind = Kind::Streaming;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        self.connector.to_string()
    }
    fn parent(&self) -> String {
        self.connector.to_string()
    }
}
