//! External systems: what stands on the customer's side of a connector.

use serde::{Deserialize, Serialize};

use crate::name::named;
use crate::{AccountId, Kind, Resource, VoiceConnectorId};

/// The systems that one Voice Connector works with. A put replaces all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalSystems {
    /// The connector's owner.
    pub account: AccountId,
    /// The connector it belongs to.
    pub connector: VoiceConnectorId,
    /// Session border controllers, none twice; may be empty.
    pub border_controllers: Vec<SessionBorderController>,
    /// Contact centre systems, none twice; may be empty.
    pub contact_centers: Vec<ContactCenterSystem>,
}

named! {
    /// The API's `SessionBorderControllerType`.
    SessionBorderController {
        /// Ribbon.
        Ribbon = "RIBBON_SBC",
        /// Oracle Acme Packet.
        OracleAcmePacket = "ORACLE_ACME_PACKET_SBC",
        /// Avaya SBCE.
        Avaya = "AVAYA_SBCE",
        /// Cisco Unified Border Element.
        CiscoUnifiedBorderElement = "CISCO_UNIFIED_BORDER_ELEMENT",
        /// AudioCodes Mediant.
        AudiocodesMediant = "AUDIOCODES_MEDIANT_SBC",
    }
}

named! {
    /// The API's `ContactCenterSystemType`.
    ContactCenterSystem {
        /// Genesys Engage on premises.
        GenesysEngage = "GENESYS_ENGAGE_ON_PREMISES",
        /// Avaya Aura Call Center Elite.
        AvayaCallCenterElite = "AVAYA_AURA_CALL_CENTER_ELITE",
        /// Avaya Aura Contact Center.
        AvayaContactCenter = "AVAYA_AURA_CONTACT_CENTER",
        /// Cisco Unified Contact Center Enterprise.
        CiscoContactCenter = "CISCO_UNIFIED_CONTACT_CENTER_ENTERPRISE",
    }
}

impl Resource for ExternalSystems {
    const KIND: Kind = Kind::ExternalSystems;

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
