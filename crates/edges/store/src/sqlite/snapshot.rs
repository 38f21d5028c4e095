//! One state that two threads read at once: for start-up, where there is much to read.

use std::cmp::Ordering;
use std::ops::{ControlFlow, Deref};
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use model::{AccountId, Kind};

use super::connection::{self, Role};
use super::rows::{Lens, RowRef, Rows};
use crate::{Range, StoreError, View};

/// Rows between two looks at how far the other side is.
const LOOK_EVERY: u32 = 512;

/// What a projection is loaded from: one consistent state, which does not change meanwhile.
pub struct Snapshot<'c> {
    rows: Rows<'c>,
    lens: &'c Lens,
    path: &'c Path,
}

impl<'c> Deref for Snapshot<'c> {
    type Target = dyn View + 'c;

    fn deref(&self) -> &Self::Target {
        &self.rows
    }
}

/// What is done with each row by one of the two threads.
pub type Visit<'v> = &'v mut (dyn FnMut(RowRef<'_>) -> Result<(), StoreError> + Send);

impl<'c> Snapshot<'c> {
    /// Of what a connection sees, which nobody may change as long as this lives.
    pub(super) const fn new(rows: Rows<'c>, lens: &'c Lens, path: &'c Path) -> Self {
        Self { rows, lens, path }
    }

    /// Visits a range on two threads, one from its beginning and one from its end, until they meet.
    ///
    /// Wherever the rows are, each thread has work until the last row. A few hundred rows about the
    /// place where they meet may be visited by both, so a visit that is repeated must do no harm.
    pub fn from_both_ends(
        &self,
        kind: Kind,
        range: Range<'_>,
        [first, last]: [Visit<'_>; 2],
    ) -> Result<(), StoreError> {
        let meeting = Meeting::default();
        let (lens, path, meeting) = (self.lens, self.path, &meeting);
        thread::scope(|scope| {
            let from_the_end = thread::Builder::new()
                .name("store-load".into())
                .spawn_scoped(scope, move || {
                    let conn = connection::open(path, Role::Reader)?;
                    let rows = Rows { conn: &conn, lens };
                    walk(&rows, kind, range, &Side::last(meeting), last)
                })
                .map_err(|error| StoreError::io(path, &error))?;
            let begun = walk(&self.rows, kind, range, &Side::first(meeting), first);
            let ended = from_the_end.join().unwrap_or_else(|panic| resume_unwind(panic));
            begun.and(ended)
        })
    }
}

/// How far each side has come, as of its last look.
#[derive(Default)]
struct Meeting {
    first: Mutex<Option<Position>>,
    last: Mutex<Option<Position>>,
}

/// A place in a range's order.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Position {
    account: AccountId,
    parent: String,
    key: String,
}

impl Position {
    fn of(row: &RowRef<'_>, parent_counts: ParentCounts) -> Self {
        let parent = match parent_counts {
            ParentCounts::Yes => row.parent.to_owned(),
            ParentCounts::No => String::new(),
        };
        Self { account: row.account, parent, key: row.key.to_owned() }
    }

    /// Where a row is, seen from here.
    fn compare(&self, row: &RowRef<'_>, parent_counts: ParentCounts) -> Ordering {
        let by_account = row.account.as_str().cmp(self.account.as_str());
        let by_parent = || match parent_counts {
            ParentCounts::Yes => row.parent.cmp(&self.parent),
            ParentCounts::No => Ordering::Equal,
        };
        by_account.then_with(by_parent).then_with(|| row.key.cmp(&self.key))
    }
}

/// Whether a range is ordered by parents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ParentCounts {
    Yes,
    No,
}

/// One of the two.
struct Side<'m> {
    own: &'m Mutex<Option<Position>>,
    other: &'m Mutex<Option<Position>>,
    direction: Direction,
    /// Where a row is, seen from the other side's place, that the other side has seen.
    seen_there: Ordering,
}

/// Which way a range is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From its beginning.
    Ascending,
    /// From its end.
    Descending,
}

impl<'m> Side<'m> {
    const fn first(meeting: &'m Meeting) -> Self {
        let (own, other) = (&meeting.first, &meeting.last);
        Self { own, other, direction: Direction::Ascending, seen_there: Ordering::Greater }
    }

    const fn last(meeting: &'m Meeting) -> Self {
        let (own, other) = (&meeting.last, &meeting.first);
        Self { own, other, direction: Direction::Descending, seen_there: Ordering::Less }
    }
}

fn walk(
    rows: &Rows<'_>,
    kind: Kind,
    range: Range<'_>,
    side: &Side<'_>,
    visit: Visit<'_>,
) -> Result<(), StoreError> {
    let parent_counts = match range {
        Range::Owned => ParentCounts::Yes,
        Range::All | Range::Account { .. } | Range::Children { .. } => ParentCounts::No,
    };
    let mut met_at: Option<Position> = None;
    let mut until_look = LOOK_EVERY;
    rows.scan(kind, range, side.direction, &mut |row| {
        if let Some(met_at) = &met_at {
            let place = met_at.compare(&row, parent_counts);
            // Whatever lies there or beyond, the other side has visited.
            if place == Ordering::Equal || place == side.seen_there {
                return Ok(ControlFlow::Break(()));
            }
        }
        until_look -= 1;
        let position = (until_look == 0).then(|| Position::of(&row, parent_counts));
        visit(row)?;
        if let Some(position) = position {
            *locked(side.own) = Some(position);
            met_at.clone_from(&locked(side.other));
            until_look = LOOK_EVERY;
        }
        Ok(ControlFlow::Continue(()))
    })
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A side that panicked has told of no row that it did not visit.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
