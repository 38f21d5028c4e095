//! A whole directory at once: what start-up makes of everything that is stored.
//!
//! Whoever reads the store may do so on several threads, each with a [`Share`] of its own.
//! [`Directory::fill`] puts the shares together.

use std::sync::Arc;

use model::{
    AssociationTarget, E164Number, PhoneNumber, PhoneNumberAssociation, VoiceConnector,
    VoiceConnectorId,
};

use super::map::{Entries, Map};
use super::{Connector, Directory, Number, host_key};

/// Some of the connectors and numbers that a new directory is to have.
#[derive(Debug, Default)]
pub struct Share {
    hosts: Entries<Box<str>, Arc<Connector>>,
    connectors: Entries<VoiceConnectorId, Arc<Connector>>,
    numbers: Entries<E164Number, Number>,
    targets: Entries<E164Number, AssociationTarget>,
}

impl Share {
    /// Adds a connector with the settings that `directory` has been told of. One that is added
    /// twice, here or to another share, is the same as one that is added once.
    pub fn connector(&mut self, directory: &Directory, connector: VoiceConnector) {
        let settings = directory.early.get(&connector.id).cloned().unwrap_or_default();
        let shared = Arc::new(Connector { connector, settings });
        self.hosts.push(host_key(&shared.connector), Arc::clone(&shared));
        self.connectors.push(shared.connector.id.clone(), shared);
    }

    /// Adds a number, if it is anybody's to use. It may be added twice as well.
    pub fn number(&mut self, phone: PhoneNumber) {
        let number = phone.number;
        if let Some(owned) = Number::of(phone) {
            self.numbers.push(number, owned);
        }
    }

    /// Adds where a number's calls go. It may be added twice as well.
    pub fn association(&mut self, association: PhoneNumberAssociation) {
        self.targets.push(association.number, association.target);
    }
}

impl Directory {
    /// Takes in all connectors and numbers at once. What belongs to connectors has been told before,
    /// by [`Directory::apply`].
    ///
    /// # Panics
    /// If there are connectors or numbers already: they would be lost.
    pub fn fill(&mut self, shares: Vec<Share>) {
        assert!(self.connectors.len() == 0, "a directory is filled once, when it is new");
        let (mut hosts, mut connectors) = (Vec::new(), Vec::new());
        let (mut numbers, mut targets) = (Vec::new(), Vec::new());
        for share in shares {
            hosts.push(share.hosts);
            connectors.push(share.connectors);
            numbers.push(share.numbers);
            targets.push(share.targets);
        }
        self.hosts = Map::of(hosts);
        self.connectors = Map::of(connectors);
        self.numbers.fill(numbers, targets);
        // Settings belong to connectors, and go with them; those of none have no use.
        self.early = Map::default();
    }
}

#[cfg(test)]
mod tests {
    use model::{AccountId, Region, Termination, UnixMillis};

    use super::*;
    use crate::directory::Change;

    fn connector(letter: char) -> VoiceConnector {
        let id = VoiceConnectorId::parse(&letter.to_string().repeat(22)).unwrap();
        VoiceConnector {
            outbound_host_name: format!("{letter}.Example"),
            account: AccountId::DEFAULT,
            region: Region::default(),
            name: String::new(),
            require_encryption: false,
            integration_type: None,
            network_type: Default::default(),
            created: UnixMillis(0),
            updated: UnixMillis(0),
            id,
        }
    }

    fn number(last: u64, owner: Option<AccountId>) -> PhoneNumber {
        let number = E164Number::parse(&format!("+1206555{last:04}")).unwrap();
        PhoneNumber::new(number, owner, UnixMillis(0))
    }

    #[test]
    fn a_directory_that_was_filled_is_the_one_that_was_told_change_by_change() {
        let termination = Termination {
            account: AccountId::DEFAULT,
            connector: connector('a').id,
            cps_limit: std::num::NonZeroU32::MIN,
            default_phone_number: None,
            calling_regions: vec!["US".into()],
            cidr_allowed_list: Vec::new(),
            disabled: false,
        };
        let mut filled = Directory::new();
        filled.apply(Change::PutTermination(termination));
        let (mut one, mut other) = (Share::default(), Share::default());
        one.connector(&filled, connector('a'));
        other.connector(&filled, connector('b'));
        // Where the two meet, both may have seen it.
        other.connector(&filled, connector('a'));
        for last in 0..40 {
            one.number(number(last, Some(AccountId::DEFAULT)));
            other.number(number(last + 30, Some(AccountId::DEFAULT)));
        }
        one.number(number(90, None));
        let target = AssociationTarget::Connector(connector('b').id);
        other.association(PhoneNumberAssociation {
            account: AccountId::DEFAULT,
            number: number(3, None).number,
            target: target.clone(),
            associated: UnixMillis(0),
        });
        filled.fill(vec![one, other]);

        assert_eq!((filled.connector_count(), filled.number_count()), (2, 70));
        let a = filled.connector_by_host("A.example").unwrap();
        assert!(a.termination().is_some());
        assert!(filled.connector(&connector('b').id).unwrap().termination().is_none());
        assert_eq!(filled.owner(number(69, None).number), Some(AccountId::DEFAULT));
        assert_eq!(filled.owner(number(90, None).number), None);
        assert_eq!(filled.association(number(3, None).number), Some(&target));
        filled.apply(Change::DeleteConnector(connector('a').id));
        assert!(filled.connector_by_host("a.example").is_none());
    }
}
