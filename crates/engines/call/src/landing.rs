//! Where a number's calls go: from the called number to the connectors whose routes are tried.
//!
//! Calls in from a carrier ask here, and calls out whose number is one of this installation's own.

use std::sync::Arc;

use model::{
    AssociationTarget, CallDistribution, E164Number, ProductType, VoiceConnectorGroup,
    VoiceConnectorId,
};
use sip_core::Tokens;

use crate::directory::{Connector, Directory};
use crate::reject::{NotTaken, Reject};
use crate::route::below;

/// The connectors that may take a call, in the order to try them; never none.
#[derive(Debug, Clone)]
pub(crate) struct Landing {
    /// What the number belongs to.
    pub(crate) target: AssociationTarget,
    /// The first is the one that the call goes to now.
    pub(crate) connectors: Vec<Arc<Connector>>,
    /// Members of the group that cannot take a call, and why.
    pub(crate) passed_over: Vec<(VoiceConnectorId, Reject)>,
}

/// Finds who takes calls to a number that somebody here owns.
pub(crate) fn find(
    directory: &Directory,
    number: E164Number,
    random: &mut Tokens,
) -> Result<Landing, NotTaken> {
    let Some(owned) = directory.number(number) else {
        return Err(NotTaken::NumberUnknown(number));
    };
    let served_by_application = owned.product == ProductType::SipMediaApplicationDialIn;
    if served_by_application || directory.number_rule(number).is_some() {
        return Err(NotTaken::ApplicationNotServed(number.to_string().into()));
    }
    let unassociated = || NotTaken::NumberUnassociated(number);
    let target = directory.association(number).ok_or_else(unassociated)?.clone();
    let members = match &target {
        AssociationTarget::Connector(id) => {
            vec![Arc::clone(directory.connector(id).ok_or_else(unassociated)?)]
        }
        AssociationTarget::Group(id) => {
            let group = directory.group(id).ok_or_else(unassociated)?;
            let order = ordered(group, random);
            order.iter().filter_map(|id| directory.connector(id).cloned()).collect()
        }
    };
    let (mut connectors, mut passed_over) = (Vec::new(), Vec::<(_, NotTaken)>::new());
    for connector in members {
        match check_origination(&connector) {
            Ok(()) => connectors.push(connector),
            Err(why) => passed_over.push((connector.connector.id.clone(), why)),
        }
    }
    match (connectors.is_empty(), &target) {
        (false, _) => Ok({
            let named = passed_over.into_iter().map(|(id, why)| (id, Reject::NotTaken(why)));
            Landing { target, connectors, passed_over: named.collect() }
        }),
        (true, AssociationTarget::Connector(_)) => {
            Err(passed_over.pop().map_or_else(unassociated, |(_, why)| why))
        }
        (true, AssociationTarget::Group(id)) => Err(NotTaken::GroupEmpty {
            group: id.clone(),
            why: passed_over.pop().map(|(_, why)| Box::new(why)),
        }),
    }
}

/// Whether calls in may go through a connector at all.
fn check_origination(connector: &Connector) -> Result<(), NotTaken> {
    let id = || connector.connector.id.clone();
    let Some(origination) = connector.origination() else {
        return Err(NotTaken::OriginationAbsent(id()));
    };
    if origination.disabled {
        return Err(NotTaken::OriginationDisabled(id()));
    }
    if origination.routes.is_empty() {
        return Err(NotTaken::RoutesAbsent(id()));
    }
    let usable = origination.routes.iter().any(|route| connector.may_use(route));
    if usable { Ok(()) } else { Err(NotTaken::RoutesUnencrypted(id())) }
}

/// A group's connectors in the order that one call tries them. By priority, those of equal priority
/// shuffled; or all of them shuffled, whatever their priority.
fn ordered(group: &VoiceConnectorGroup, random: &mut Tokens) -> Vec<VoiceConnectorId> {
    let mut left: Vec<_> = group
        .items
        .iter()
        .map(|it| match group.distribution {
            CallDistribution::PriorityWeighted => (it.priority, &it.connector),
            CallDistribution::LoadBalanced => (0, &it.connector),
        })
        .collect();
    let mut order = Vec::with_capacity(left.len());
    while let Some(best) = left.iter().map(|(priority, _)| *priority).min() {
        let peers: Vec<usize> = (0..left.len()).filter(|at| left[*at].0 == best).collect();
        let drawn = below(random, peers.len() as u64);
        let drawn = peers[usize::try_from(drawn).expect("it is below a length")];
        order.push(left.remove(drawn).1.clone());
    }
    order
}
