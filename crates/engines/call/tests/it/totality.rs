//! Whatever comes, in whatever order: nothing panics, nothing leaks, and every attempt has one
//! record.

use std::collections::BTreeSet;
use std::time::Duration;

use call::{Change, Command, Input, MediaEvent};
use media::{CallMediaId, Side, Timer};
use proptest::prelude::*;
use sip_message::{Flow, Message, Name};

use crate::peer::{Request, ack, carrier_within, response, sdp, sdp_as, within};
use crate::world::{CARRIER, CARRIER_2, OWNED, PBX, US, World, carrier};

/// One thing that happens; the numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
struct Action {
    kind: u8,
    pick: u8,
    how: u8,
}

fn action() -> impl Strategy<Value = Action> {
    (0..14_u8, any::<u8>(), any::<u8>()).prop_map(|(kind, pick, how)| Action { kind, pick, how })
}

const STATUSES: [&str; 16] = [
    "100 Trying",
    "180 Ringing",
    "183 Session Progress",
    "199 Early Dialog Terminated",
    "200 OK",
    "200 OK",
    "202 Accepted",
    "302 Moved Temporarily",
    "407 Proxy Authentication Required",
    "408 Request Timeout",
    "481 Call/Transaction Does Not Exist",
    "486 Busy Here",
    "487 Request Terminated",
    "491 Request Pending",
    "503 Service Unavailable",
    "603 Decline",
];

const METHODS: [&str; 8] = ["BYE", "INVITE", "UPDATE", "INFO", "OPTIONS", "REFER", "ACK", "PRACK"];

/// A world in which anything happens.
struct Chaos {
    world: World,
    /// Every message that the engine sent, with where to.
    heard: Vec<(String, String)>,
    /// Every INVITE of the caller.
    invites: Vec<Request>,
    serial: u32,
}

impl Chaos {
    fn new() -> Self {
        let mut world = World::without_users();
        world.apply(Change::PutCarrier(carrier("second", CARRIER_2, 2)));
        Self { world, heard: vec![], invites: vec![], serial: 0 }
    }

    fn act(&mut self, action: Action) {
        self.serial += 1;
        match action.kind {
            0 => self.call(action),
            1..=4 => self.respond(action),
            5 => self.acknowledge(action),
            6 | 7 => self.ask_within(action),
            8 => self.ask_within_as_carrier(action),
            9 => self.cancel(action),
            10 => {
                let waits = [1, 100, 600, 4100, 33_000, 200_000];
                let wait = waits[usize::from(action.how) % waits.len()];
                self.world.wait(Duration::from_millis(wait));
            }
            11 => self.garble(action),
            12 => self.fail(action),
            _ => self.command(action),
        }
        self.listen();
    }

    fn listen(&mut self) {
        for sent in self.world.sent.drain(..) {
            self.heard.push((sent.flow.remote.to_string(), sent.text));
        }
    }

    fn call(&mut self, action: Action) {
        let n = self.serial;
        let mut invite = Request {
            branch: format!("i{n}"),
            call_id: format!("call-{n}"),
            from: format!("<sip:{OWNED}@{PBX}>;tag=caller{n}"),
            ..Request::invite()
        };
        match action.pick % 6 {
            0 => invite = invite.header("Supported: 100rel, timer").header("Allow: UPDATE"),
            1 => invite = invite.header("Require: 100rel"),
            2 => invite = invite.header("Supported: timer").header("Session-Expires: 120"),
            _ => {}
        }
        match action.how % 8 {
            0 => invite.body = None,
            1 => invite.from = format!("<sip:1001@{PBX}>;tag=caller{n}"),
            2 => invite = invite.body("nonsense"),
            _ => {}
        }
        self.world.send(PBX, &invite.text());
        self.invites.push(invite);
    }

    fn heard(&self, pick: u8, wanted: impl Fn(&str) -> bool) -> Option<(String, String)> {
        let found: Vec<_> = self.heard.iter().filter(|(_, text)| wanted(text)).collect();
        // The later ones are the more interesting.
        let back = usize::from(pick) % found.len().clamp(1, 6);
        found.iter().rev().nth(back).map(|it| (*it).clone())
    }

    fn respond(&mut self, action: Action) {
        let is_request = |text: &str| !text.starts_with("SIP/2.0") && !text.starts_with("ACK");
        let Some((to, request)) = self.heard(action.pick, is_request) else { return };
        let status = STATUSES[usize::from(action.how) % STATUSES.len()];
        let tag = ["one", "two", "three", ""][usize::from(action.how >> 4) % 4];
        let contact = format!("Contact: <sip:{to}>");
        let body = match action.how >> 6 {
            0 => None,
            1 => Some("v=0\r\n".to_owned()),
            2 => Some(sdp_as("198.51.100.20", 6000, "sendonly")),
            _ => Some(sdp("198.51.100.20", 6000 + u16::from(action.pick) * 2)),
        };
        let rseq = format!("RSeq: {}", 1 + action.pick % 3);
        let mut extra = vec![contact.as_str()];
        match action.pick % 5 {
            0 => extra.extend(["Require: 100rel", &rseq, "Allow: UPDATE"]),
            1 => extra.extend(["Session-Expires: 120;refresher=uac", "Allow: UPDATE"]),
            2 => extra.extend(["Session-Expires: 120;refresher=uas", "Min-SE: 4000"]),
            _ => {}
        }
        let text = response(&request, status, tag, &extra, body.as_deref());
        self.world.send(&to, &text);
    }

    fn acknowledge(&mut self, action: Action) {
        let is_answer = |text: &str| {
            text.starts_with("SIP/2.0 2")
                && text.contains(" INVITE\r\n")
                && text.contains("\r\nContact: ")
        };
        let Some((_, answer)) = self.heard(action.pick, is_answer) else { return };
        let Some(invite) = self.invite_of(&answer) else { return };
        let mut ack = ack(&invite, &answer);
        if action.how.is_multiple_of(3) {
            ack = ack.body(&sdp("192.0.2.10", 4000));
        }
        let message = Message::parse(answer.as_bytes()).unwrap();
        ack.cseq = message.cseq().unwrap().number;
        self.world.send(PBX, &ack.text());
    }

    fn invite_of(&self, answer: &str) -> Option<Request> {
        let message = Message::parse(answer.as_bytes()).unwrap();
        let call_id = message.call_id().unwrap();
        self.invites.iter().find(|it| it.call_id == call_id).cloned()
    }

    fn ask_within(&mut self, action: Action) {
        let in_dialog = |text: &str| text.starts_with("SIP/2.0 ") && text.contains("\r\nContact: ");
        let Some((_, answer)) = self.heard(action.pick, in_dialog) else { return };
        let Some(invite) = self.invite_of(&answer) else { return };
        let method = METHODS[usize::from(action.how) % METHODS.len()];
        let mut request = within(&invite, &answer, method, self.serial + 1);
        if action.how & 0x80 != 0 {
            request = request.body(&sdp("192.0.2.10", 4000));
        }
        let number = Message::parse(answer.as_bytes()).unwrap().rseq().ok().flatten();
        if let (Some(number), "PRACK") = (number, method) {
            request = request.header(&format!("RAck: {number} {} INVITE", invite.cseq));
        }
        self.world.send(PBX, &request.text());
        if method == "INVITE" {
            self.invites.push(request);
        }
    }

    fn ask_within_as_carrier(&mut self, action: Action) {
        let is_invite = |text: &str| text.starts_with("INVITE ") && text.contains("P-Asserted");
        let Some((to, invite)) = self.heard(action.pick, is_invite) else { return };
        let method = METHODS[usize::from(action.how) % METHODS.len()];
        let tag = ["one", "two", "three"][usize::from(action.how >> 4) % 3];
        let mut request = carrier_within(&invite, &to, tag, method, self.serial);
        if action.how & 0x80 != 0 {
            request = request.body(&sdp("198.51.100.20", 6000));
        }
        self.world.send(&to, &request.text());
    }

    fn cancel(&mut self, action: Action) {
        let back = usize::from(action.pick) % self.invites.len().clamp(1, 4);
        let Some(invite) = self.invites.iter().rev().nth(back).cloned() else { return };
        let cancel = Request { method: "CANCEL".into(), body: None, contact: None, ..invite };
        self.world.send(PBX, &cancel.text());
    }

    /// A message that was seen before, with some of its bytes changed, from anywhere.
    fn garble(&mut self, action: Action) {
        let Some((from, text)) = self.heard(action.pick, |_| true) else { return };
        let mut bytes = text.into_bytes();
        for n in 0..usize::from(action.how % 5) {
            let at = (usize::from(action.pick) * 31 + n * 97) % bytes.len();
            bytes[at] = action.how.wrapping_mul(7).wrapping_add(action.pick);
        }
        bytes.truncate(bytes.len() - usize::from(action.how) % 9);
        self.world.send_bytes(&from, &bytes);
    }

    fn fail(&mut self, action: Action) {
        let remote = [PBX, CARRIER, CARRIER_2][usize::from(action.pick) % 3].parse().unwrap();
        let flow = Flow::udp(US.parse().unwrap(), remote);
        match action.how % 3 {
            0 => self.world.put(Input::FlowFailed { flow }),
            1 => self.world.put(Input::FlowClosed { flow }),
            _ => {
                let call = CallMediaId(u64::from(action.pick % 4));
                let (timer, lasted) = (Timer::Silence, Duration::from_secs(60));
                let event = media::Event::Silent { call, side: Side::A, timer, lasted };
                self.world.put(Input::Media(MediaEvent::Relay(event)));
            }
        }
    }

    fn command(&mut self, action: Action) {
        let live = self.world.engine.live_calls(None, 16);
        if live.is_empty() || action.how.is_multiple_of(4) {
            return;
        }
        let transaction = live[usize::from(action.pick) % live.len()].transaction_id;
        self.world.command(Command::HangUp { transaction });
    }

    /// Hangs up what is left and lets every timer run out.
    fn settle(&mut self) {
        self.world.command(Command::HangUpAll);
        self.world.wait(Duration::from_secs(300));
        self.listen();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Ports, dialogs, media and calls are given back, and each attempt has exactly one record.
    #[test]
    fn whatever_happens_every_attempt_has_one_record_and_nothing_is_left(
        actions in prop::collection::vec(action(), 1..80)
    ) {
        let mut chaos = Chaos::new();
        for action in actions {
            chaos.act(action);
        }
        chaos.settle();
        chaos.world.assert_clean();
        let attempts = usize::try_from(chaos.world.engine.counters().attempts).unwrap();
        prop_assert_eq!(chaos.world.records.len(), attempts);
        let ids: BTreeSet<_> = chaos.world.records.iter().map(|it| it.transaction_id).collect();
        prop_assert_eq!(ids.len(), attempts);
    }

    /// A caller never gets two different final answers to one INVITE.
    #[test]
    fn an_invite_has_one_final_answer(actions in prop::collection::vec(action(), 1..60)) {
        let mut chaos = Chaos::new();
        for action in actions {
            chaos.act(action);
        }
        chaos.settle();
        for invite in &chaos.invites {
            let branch = format!("branch=z9hG4bK{};", invite.branch);
            let finals: BTreeSet<&str> = chaos
                .heard
                .iter()
                .filter(|(_, text)| text.starts_with("SIP/2.0 ") && !text.starts_with("SIP/2.0 1"))
                .filter(|(_, text)| text.contains(&branch) && text.contains(" INVITE\r\n"))
                .filter_map(|(_, text)| text.lines().next())
                .collect();
            prop_assert!(finals.len() <= 1, "{:?} to {}", finals, invite.text());
        }
    }

    /// No bytes make the engine panic.
    #[test]
    fn any_datagram_is_dropped_or_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut world = World::new();
        world.send_bytes(PBX, &bytes);
        world.wait(Duration::from_secs(40));
    }

    /// No text in the places where a stranger writes makes us say something malformed: the world
    /// checks every message that leaves.
    #[test]
    fn whatever_stands_in_the_callers_headers_what_leaves_is_well_formed(
        user in "[ -~]{0,24}",
        display in "[ -~]{0,24}",
        extension in "[ -~]{0,40}",
        phrase in "[ -~]{0,30}",
    ) {
        let mut world = World::with(|config| config.caller_id = call::CallerIdPolicy::Any);
        world.remove_users();
        let mut invite = Request::invite()
            .header(&format!("X-Any: {extension}"))
            .header(&format!("User-to-User: {extension}"))
            .header(&format!("P-Asserted-Identity: {display} <sip:{user}@pbx>"));
        invite.from = format!("{display} <sip:{OWNED}@{PBX}>;tag=caller");
        world.send(PBX, &invite.text());
        world.take(PBX);
        if let Some(left) = world.take(CARRIER) {
            let message = Message::parse(left.as_bytes()).unwrap();
            prop_assert!(message.first(Name::From).unwrap().starts_with("<sip:+"));
            world.send(CARRIER, &response(&left, &format!("486 {phrase}"), "c", &[], None));
            world.expect(CARRIER, "ACK ");
            world.expect(PBX, "SIP/2.0 486 ");
        }
    }
}
