//! Voice analysis of calls in progress: who speaks, and in what tone.
//!
//! A task is asked for by the API and done by whoever hears the call: it reads tasks in the queue
//! from the store's changes and writes back what it finds.

use serde::{Deserialize, Serialize};

use crate::name::named;
use crate::{
    AccountId, Kind, Resource, SpeakerSearchTaskId, TransactionId, UnixMillis, VoiceConnectorId,
    VoiceProfileDomainId, VoiceProfileId, VoiceToneAnalysisTaskId,
};

/// How long a task's result is kept after it ended, in milliseconds: 7 days.
pub const RESULT_LIFETIME_MS: u64 = 7 * 86_400_000;

/// How long a voiceprint that no profile was made from is kept, in milliseconds: 24 hours.
pub const VOICEPRINT_LIFETIME_MS: u64 = 86_400_000;

/// The parent key of tasks that have not ended: what a quota counts.
pub const ACTIVE: &str = "active";

named! {
    /// Where a task is in its life. `InQueue → InProgress → {PartialSuccess, Succeeded, Failed}`; an
    /// active task may also be `Stopped`. The last four are ends.
    TaskStatus {
        /// Waits for the analyser.
        InQueue = "IN_QUEUE",
        /// The analyser listens.
        InProgress = "IN_PROGRESS",
        /// Speakers were looked for, but there was too little speech for a voiceprint.
        PartialSuccess = "PARTIAL_SUCCESS",
        /// Done.
        Succeeded = "SUCCEEDED",
        /// Could not be done.
        Failed = "FAILED",
        /// Ended by its owner.
        Stopped = "STOPPED",
    }
}

impl TaskStatus {
    /// Whether the task has not ended.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::InQueue | Self::InProgress)
    }

    const fn parent(self) -> &'static str {
        if self.is_active() { ACTIVE } else { "" }
    }
}

/// What every task has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// The owner of the call and the task.
    pub account: AccountId,
    /// The connector of the call.
    pub connector: VoiceConnectorId,
    /// The call.
    pub transaction: TransactionId,
    /// Where it is in its life.
    pub status: TaskStatus,
    /// Why, in a sentence; empty if there is nothing to say.
    pub message: String,
    /// When it was asked for.
    pub created: UnixMillis,
    /// When the analyser began; `None` before.
    pub started: Option<UnixMillis>,
    /// When its status or its result last changed.
    pub updated: UnixMillis,
}

/// What came of an order to stop a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It was active and is stopped now.
    Now,
    /// It was stopped before.
    Before,
    /// It had ended by itself, as told.
    Ended(TaskStatus),
}

impl Analysis {
    /// A task in the queue.
    pub fn queued(
        account: AccountId,
        connector: VoiceConnectorId,
        transaction: TransactionId,
        now: UnixMillis,
    ) -> Self {
        Self {
            account,
            connector,
            transaction,
            status: TaskStatus::InQueue,
            message: String::new(),
            created: now,
            started: None,
            updated: now,
        }
    }

    /// Ends an active task by its owner's will.
    pub fn stop(&mut self, now: UnixMillis) -> Stopped {
        match self.status {
            TaskStatus::InQueue | TaskStatus::InProgress => {
                self.status = TaskStatus::Stopped;
                self.updated = self.updated.max(now);
                Stopped::Now
            }
            TaskStatus::Stopped => Stopped::Before,
            ended @ (TaskStatus::PartialSuccess | TaskStatus::Succeeded | TaskStatus::Failed) => {
                Stopped::Ended(ended)
            }
        }
    }

    /// Whether its result is no longer kept at `now`: then it is as good as deleted.
    pub fn is_expired(&self, now: UnixMillis) -> bool {
        !self.status.is_active() && now.since(self.updated) >= RESULT_LIFETIME_MS
    }
}

/// Looks for known speakers on one leg of a call, and makes a voiceprint of who speaks there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpeakerSearchTask {
    /// Its identifier.
    pub id: SpeakerSearchTaskId,
    /// What every task has.
    #[serde(flatten)]
    pub analysis: Analysis,
    /// Where to look for speakers.
    pub domain: VoiceProfileDomainId,
    /// Whom to listen to.
    pub leg: AnalysedLeg,
    /// Who it may be, best first: at most ten. Empty before the end and if nobody was found.
    pub matches: Vec<SpeakerMatch>,
    /// What became of the voiceprint; `None` while it is not decided.
    pub voiceprint: Option<Voiceprint>,
    /// The profile that was created from it.
    pub profile: Option<VoiceProfileId>,
}

named! {
    /// The API's `CallLegType`.
    #[derive(Default)]
    AnalysedLeg {
        /// Who called.
        #[default]
        Caller = "Caller",
        /// Who was called.
        Callee = "Callee",
    }
}

/// One who may be the speaker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpeakerMatch {
    /// The profile.
    pub profile: VoiceProfileId,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
}

/// What became of a voiceprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Voiceprint {
    /// It was made.
    Made {
        /// When.
        at: UnixMillis,
    },
    /// There was too little speech.
    Failed,
}

/// Whether a profile can be made from a task's voiceprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoiceprintState {
    /// It can.
    Ready,
    /// Not yet: the task goes on.
    Pending,
    /// Never: the task ended without one.
    Missing,
    /// No longer: it was not used in time.
    Expired,
}

impl SpeakerSearchTask {
    /// Whether a profile can be made from its voiceprint at `now`.
    pub fn voiceprint_state(&self, now: UnixMillis) -> VoiceprintState {
        match self.voiceprint {
            Some(Voiceprint::Made { at }) if now.since(at) < VOICEPRINT_LIFETIME_MS => {
                VoiceprintState::Ready
            }
            Some(Voiceprint::Made { .. }) => VoiceprintState::Expired,
            None if self.analysis.status.is_active() => VoiceprintState::Pending,
            None | Some(Voiceprint::Failed) => VoiceprintState::Missing,
        }
    }
}

impl Resource for SpeakerSearchTask {
    const KIND: Kind = Kind::SpeakerSearchTask;

    fn account(&self) -> AccountId {
        self.analysis.account
    }
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn parent(&self) -> String {
        self.analysis.status.parent().into()
    }
}

/// Judges the tone of both legs of a call. What it finds goes to notifications, not to the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceToneAnalysisTask {
    /// Its identifier.
    pub id: VoiceToneAnalysisTaskId,
    /// What every task has.
    #[serde(flatten)]
    pub analysis: Analysis,
}

impl Resource for VoiceToneAnalysisTask {
    const KIND: Kind = Kind::VoiceToneAnalysisTask;

    fn account(&self) -> AccountId {
        self.analysis.account
    }
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn parent(&self) -> String {
        self.analysis.status.parent().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 86_400_000;

    fn task() -> SpeakerSearchTask {
        let connector = VoiceConnectorId::from_random([1; 22]);
        let transaction = TransactionId::from_random([2; 16]);
        SpeakerSearchTask {
            id: SpeakerSearchTaskId::from_random([3; 16]),
            analysis: Analysis::queued(AccountId::DEFAULT, connector, transaction, UnixMillis(10)),
            domain: VoiceProfileDomainId::from_random([4; 16]),
            leg: AnalysedLeg::Caller,
            matches: Vec::new(),
            voiceprint: None,
            profile: None,
        }
    }

    #[test]
    fn a_task_is_stopped_once_and_only_while_it_is_active() {
        let mut task = task();
        assert_eq!(task.parent(), ACTIVE);
        assert_eq!(task.analysis.stop(UnixMillis(20)), Stopped::Now);
        assert_eq!(task.analysis.updated, UnixMillis(20));
        assert_eq!(task.parent(), "");
        assert_eq!(task.analysis.stop(UnixMillis(30)), Stopped::Before);
        task.analysis.status = TaskStatus::Succeeded;
        assert_eq!(task.analysis.stop(UnixMillis(30)), Stopped::Ended(TaskStatus::Succeeded));
        assert_eq!(task.analysis.updated, UnixMillis(20));
    }

    #[test]
    fn a_result_is_kept_for_seven_days_after_the_end() {
        let mut task = task();
        assert!(!task.analysis.is_expired(UnixMillis(100 * DAY_MS)), "it has not ended");
        task.analysis.stop(UnixMillis(DAY_MS));
        assert!(!task.analysis.is_expired(UnixMillis(8 * DAY_MS - 1)));
        assert!(task.analysis.is_expired(UnixMillis(8 * DAY_MS)));
    }

    #[test]
    fn a_voiceprint_is_kept_for_a_day() {
        let mut task = task();
        assert_eq!(task.voiceprint_state(UnixMillis(0)), VoiceprintState::Pending);
        task.voiceprint = Some(Voiceprint::Made { at: UnixMillis(100) });
        assert_eq!(task.voiceprint_state(UnixMillis(99 + DAY_MS)), VoiceprintState::Ready);
        assert_eq!(task.voiceprint_state(UnixMillis(100 + DAY_MS)), VoiceprintState::Expired);
        task.voiceprint = Some(Voiceprint::Failed);
        assert_eq!(task.voiceprint_state(UnixMillis(0)), VoiceprintState::Missing);
        task.voiceprint = None;
        task.analysis.stop(UnixMillis(20));
        assert_eq!(task.voiceprint_state(UnixMillis(0)), VoiceprintState::Missing);
    }

    #[test]
    fn a_task_is_read_as_it_was_written() {
        let mut task = task();
        task.matches =
            vec![SpeakerMatch { profile: VoiceProfileId::from_random([5; 16]), confidence: 0.5 }];
        let document = serde_json::to_string(&task).unwrap();
        assert!(document.contains(r#""status":"IN_QUEUE""#), "{document}");
        assert_eq!(serde_json::from_str::<SpeakerSearchTask>(&document).unwrap(), task);
    }
}
