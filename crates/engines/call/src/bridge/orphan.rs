//! A 2xx that nobody wants: acknowledged and hung up, without any memory.

use sip_core::dialog::Dialog;
use sip_message::{Flow, Message, Method, Name, Status};

use crate::calls::Owner;
use crate::hub::Turn;
use crate::leg::{Leg, Reach};

/// Ends the dialog that an unwanted 2xx to our INVITE made: a second fork's, or one that crossed
/// our CANCEL (RFC 3261 §13.2.2.4, §9.1). Everything needed stands in the response. Repeated, it is
/// answered again.
pub(crate) fn dismiss(turn: &mut Turn<'_>, flow: Flow, response: &Message<'_>) {
    if !response.status().is_some_and(Status::is_success) {
        return;
    }
    let (Ok(cseq), Ok(dialog)) = (response.cseq(), Dialog::uac(response, "")) else { return };
    if cseq.method != Method::Invite || dialog.remote_target().is_empty() {
        return;
    }
    let mut leg = Leg::new(dialog, flow, Reach::AsWritten);
    leg.ack(turn, cseq.number, None);
    let bye = leg.request(turn, Method::Bye, None, |_, writer| {
        writer.header(Name::Reason, "SIP;cause=200;text=\"Call completed elsewhere\"");
        writer.finish();
    });
    turn.request(Method::Bye, bye, Owner::NOBODY);
}
