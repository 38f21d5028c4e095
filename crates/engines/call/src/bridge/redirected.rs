//! A carrier names other places to ask.

use super::{Call, Response};
use crate::hub::Turn;
use crate::record::Tally;
use crate::redirect::{self, Redirection};

impl Call {
    /// A redirection: the places that may be asked come next; without any it is the route's failure.
    pub(super) fn on_redirection(&mut self, turn: &mut Turn<'_>, response: &Response<'_>) {
        let tried = self.tried.last();
        let carrier = tried.and_then(|it| it.attempt.gateway.carrier()).cloned();
        let carrier = carrier.filter(|it| redirect::is_followed(response.status, it));
        let (attempts, named) = match &carrier {
            Some(from) => {
                let (facts, directory) = (&self.facts, turn.directory);
                let redirection = Redirection { facts, directory, from, tried: &self.tried };
                redirection.follow(response.message, &mut turn.hub.tokens)
            }
            None => (Vec::new(), Vec::new()),
        };
        self.close_attempt(match attempts.is_empty() {
            true => Tally::Failed(response.status),
            false => Tally::Redirected(response.status),
        });
        if let Some(tried) = self.tried.last_mut() {
            tried.named = named;
        }
        if let Some(setup) = self.setup() {
            setup.detour(attempts);
        }
        self.ask_next(turn);
    }
}
