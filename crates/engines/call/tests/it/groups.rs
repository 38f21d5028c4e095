//! Numbers of a group: which connector takes a call, and which one when that fails.

use std::collections::BTreeMap;
use std::time::Duration;

use call::Change;
use model::CallDistribution::{LoadBalanced, PriorityWeighted};
use model::{CallDistribution, VoiceConnectorId};

use crate::inward::{PBX_2, another, answer, group, invite, member, number, origination, world};
use crate::peer::{ack, response};
use crate::world::{CARRIER, OWNED, PBX, World};

const PBX_3: &str = "192.0.2.12:5060";

/// Where the first INVITE of a call goes, and what leaves there.
fn first_asked(world: &mut World) -> (&'static str, String) {
    for pbx in [PBX, PBX_2, PBX_3] {
        if let Some(left) = world.take(pbx) {
            return (pbx, left);
        }
    }
    panic!("nobody was asked: {:#?}", world.sent)
}

/// How often each PBX was asked first, of 300 calls.
fn spread(members: &[(u8, &str)], how: CallDistribution) -> BTreeMap<&'static str, usize> {
    let mut world = world();
    group(&mut world, members, how);
    let mut asked = BTreeMap::new();
    for at in 0..300 {
        let invite = another(at);
        world.send(CARRIER, &invite.text());
        world.expect(CARRIER, "SIP/2.0 100 ");
        let (pbx, left) = first_asked(&mut world);
        *asked.entry(pbx).or_default() += 1;
        world.send(pbx, &response(&left, "486 Busy Here", "p", &[], None));
        let busy = world.expect(CARRIER, "SIP/2.0 486 ");
        world.send(CARRIER, &ack(&invite, &busy).text());
        world.forget_sent();
        world.wait(Duration::from_millis(500));
    }
    asked
}

fn connector_of(left: &str) -> VoiceConnectorId {
    let line = left.lines().find_map(|it| it.strip_prefix("X-VoiceConnector-ID: ")).unwrap();
    VoiceConnectorId::parse(line).unwrap()
}

#[test]
fn by_priority_the_first_takes_all_and_equals_share() {
    let members = [(2, PBX), (1, PBX_2), (1, PBX_3)];
    let asked = spread(&members, PriorityWeighted);
    assert_eq!(asked.get(PBX), None, "{asked:?}");
    assert!((110..190).contains(&asked[PBX_2]), "{asked:?}");
}

#[test]
fn load_balanced_calls_go_to_all_whatever_their_priority() {
    let members = [(2, PBX), (1, PBX_2), (9, PBX_3)];
    let asked = spread(&members, LoadBalanced);
    for pbx in [PBX, PBX_2, PBX_3] {
        assert!((70..130).contains(&asked[pbx]), "{asked:?}");
    }
}

#[test]
fn a_call_moves_on_to_the_next_connector_and_is_recorded_there() {
    let mut world = world();
    group(&mut world, &[(1, PBX), (2, PBX_2)], PriorityWeighted);
    world.send(CARRIER, &invite().text());
    world.expect(CARRIER, "SIP/2.0 100 ");
    let first = world.expect(PBX, "INVITE ");
    assert_eq!(connector_of(&first), member(0));
    world.send(PBX, &response(&first, "503 Service Unavailable", "p", &[], None));
    world.expect(PBX, "ACK ");
    let second = world.expect(PBX_2, "INVITE ");
    assert_eq!(connector_of(&second), member(1));
    let ok = answer(&mut world, PBX_2, &second);
    world.send(CARRIER, &ack(&invite(), &ok).text());
    world.command(call::Command::HangUpAll);
    assert_eq!(world.only_record().connector, Some(member(1)));
    world.wait(Duration::from_secs(70));
    world.assert_clean();
}

#[test]
fn members_that_cannot_take_calls_are_passed_over_and_named() {
    let mut world = world();
    group(&mut world, &[(1, PBX), (2, PBX_2)], PriorityWeighted);
    let mut disabled = origination(member(0), vec![]);
    disabled.disabled = true;
    world.apply(Change::PutOrigination(disabled));
    world.send(CARRIER, &invite().text());
    let left = world.expect(PBX_2, "INVITE ");
    world.send(PBX_2, &response(&left, "486 Busy Here", "p", &[], None));
    let rows = &world.only_record().decisions;
    let row = rows.iter().find(|it| it.seen.contains("origination-disabled")).unwrap();
    assert!(row.seen.contains(member(0).as_str()), "{row:?}");
}

#[test]
fn a_member_at_its_limit_leaves_the_call_to_the_next() {
    let mut world = world();
    group(&mut world, &[(1, PBX), (2, PBX_2)], PriorityWeighted);
    let mut slow = crate::world::termination();
    (slow.connector, slow.cps_limit) = (member(0), 1.try_into().unwrap());
    world.apply(Change::PutTermination(slow));
    for (at, pbx) in [PBX, PBX_2].into_iter().enumerate() {
        world.send(CARRIER, &another(at).text());
        world.expect(pbx, "INVITE ");
    }
    // The second call finds its way back to the first member only when that has a token again.
    assert!(world.take(PBX).is_none());
}

#[test]
fn a_group_without_members_that_take_calls_refuses_by_name() {
    let mut world = world();
    group(&mut world, &[], LoadBalanced);
    world.send(CARRIER, &invite().text());
    world.expect(CARRIER, "SIP/2.0 480 ");
    assert_eq!(world.only_record().reason, "group-empty");

    let mut world = self::world();
    group(&mut world, &[(1, PBX)], LoadBalanced);
    world.apply(Change::DeleteOrigination(member(0)));
    world.send(CARRIER, &invite().text());
    world.expect(CARRIER, "SIP/2.0 480 ");
    let record = world.only_record();
    assert_eq!(record.reason, "group-empty");
    assert!(record.decisions.last().unwrap().remedy.contains("PutVoiceConnectorOrigination"));

    let mut world = self::world();
    world.apply(Change::DeleteGroup(crate::inward::group_id()));
    world.apply(Change::DeleteAssociation(number(OWNED)));
    world.send(CARRIER, &invite().text());
    world.expect(CARRIER, "SIP/2.0 404 ");
}
