//! The laws of every world.

use std::collections::BTreeSet;

use model::{CallRecord, Decision, Direction, Verdict};

use crate::service::Service;
use crate::world::World;

/// A law that did not hold, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(String);

impl Broken {
    pub(crate) fn law(sentence: String) -> Self {
        Self(sentence)
    }
}

impl World {
    /// Whether every law held in a world that has settled.
    ///
    /// # Errors
    /// The first law that was broken.
    pub fn judge(&self) -> Result<(), Broken> {
        self.each_call_ended_once()?;
        self.each_call_was_written_down_once()?;
        self.nothing_went_out_without_a_verdict()?;
        self.audio_went_to_parties_of_calls_alone()?;
        self.no_attack_was_won()?;
        self.nothing_is_left()
    }

    fn each_call_ended_once(&self) -> Result<(), Broken> {
        for call in &self.placed {
            let ends = self.ends.get(call).map_or(0, Vec::len);
            if ends != 1 {
                return Err(Broken(format!("{call:?} ended {ends} times")));
            }
        }
        Ok(())
    }

    /// One record for each INVITE that a carrier sent, or that came with credentials; none for a
    /// challenge.
    fn each_call_was_written_down_once(&self) -> Result<(), Broken> {
        let mut written = BTreeSet::new();
        for record in self.records() {
            let call_id = &record.call_id;
            if !written.insert(call_id) {
                return Err(Broken(format!("there are two records of {call_id}")));
            }
            if record.ended < record.started {
                return Err(Broken(format!("{call_id} ended before it began")));
            }
        }
        let came: BTreeSet<&String> = self.seen.invites_in.iter().collect();
        match written.symmetric_difference(&came).next() {
            None => Ok(()),
            Some(call_id) if written.contains(call_id) => {
                Err(Broken(format!("{call_id} has a record, and no INVITE that may have one")))
            }
            Some(call_id) => Err(Broken(format!("{call_id} has no record"))),
        }
    }

    /// An INVITE toward a carrier belongs to a record whose decisions admit the call.
    fn nothing_went_out_without_a_verdict(&self) -> Result<(), Broken> {
        let mut attempts = 0;
        for record in self.records() {
            let Some(peer) = &record.peer_call_id else { continue };
            admitted(record)?;
            if !self.seen.invites_out.contains(peer) {
                return Err(Broken(format!("a record names {peer}, which never left")));
            }
            // Each carrier that failed, and the last one, which the record names.
            let failed = |it: &&Decision| it.verdict == Verdict::Refuse && it.rule == "route";
            attempts += 1 + record.decisions.iter().filter(failed).count();
        }
        let left = self.seen.invites_out.len();
        if left > attempts {
            return Err(Broken(format!("{left} INVITEs left, and records tell of {attempts}")));
        }
        Ok(())
    }

    fn audio_went_to_parties_of_calls_alone(&self) -> Result<(), Broken> {
        match self.seen.stray_media {
            0 => Ok(()),
            packets => Err(Broken(format!("{packets} packets of audio went astray"))),
        }
    }

    /// Nothing of a stranger's reached a party, moved media or ended a call, and no stranger was told
    /// more than once for each thing it asked.
    fn no_attack_was_won(&self) -> Result<(), Broken> {
        if let Some(won) = self.seen.attacks_won.first() {
            return Err(Broken(format!("an attacker won: {won}")));
        }
        match self.seen.strangers {
            [asked, told] if told > asked => {
                Err(Broken(format!("strangers asked {asked} times, and were told {told} times")))
            }
            [_, _] => Ok(()),
        }
    }

    fn nothing_is_left(&self) -> Result<(), Broken> {
        self.service.nothing_is_left(&[
            ("transactions of the PBX", self.pbx.transactions()),
            ("calls of the PBX", self.pbx.calls()),
            ("calls of the carriers", self.carriers.iter().map(agent::Agent::calls).sum()),
        ])
    }
}

impl Service {
    /// Whether everything that calls hold has been given back, here and by the others.
    pub(crate) fn nothing_is_left(&self, others: &[(&str, usize)]) -> Result<(), Broken> {
        let engine = &self.engine;
        let left = [
            ("calls in the engine", usize::from(!engine.is_idle())),
            ("calls that count as open", engine.calls_open()),
            ("dialogs", engine.dialogs()),
            ("transactions", engine.transactions()),
            ("ports in use", engine.ports().1),
            ("ports lost", self.port_pairs() - engine.ports().0),
            ("calls in the relay", self.relay.calls()),
        ];
        let mut left = left.iter().chain(others);
        if let Some((what, count)) = left.find(|(_, count)| *count > 0) {
            return Err(Broken(format!("{what} are left: {count}")));
        }
        match engine.poll_timeout() {
            Some((_, why)) => Err(Broken(format!("the engine still waits for {why:?}"))),
            None => Ok(()),
        }
    }
}

/// Whether a record's decisions let the call through to a carrier.
fn admitted(record: &CallRecord) -> Result<(), Broken> {
    let call_id = &record.call_id;
    let refused = |it: &&Decision| it.verdict == Verdict::Refuse && it.rule != "route";
    if let Some(refusal) = record.decisions.iter().find(refused) {
        return Err(Broken(format!("{call_id} was routed in spite of {refusal:?}")));
    }
    let needed = match record.direction {
        Direction::Outbound => "digest",
        Direction::Inbound => "carrier",
    };
    let passed = |it: &Decision| it.rule == needed && it.verdict == Verdict::Pass;
    if !record.decisions.iter().any(passed) {
        return Err(Broken(format!("{call_id} was routed without {needed}: {record:?}")));
    }
    Ok(())
}
