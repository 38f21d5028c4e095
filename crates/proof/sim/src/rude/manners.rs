//! How a party behaves: every choice it makes, out of one generator.

use sip_message::Status;

use crate::network::Rng;

/// What a party does that it should not, in so many of a hundred cases.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manners {
    /// It does not answer.
    pub(crate) mute: u64,
    /// It does not acknowledge.
    pub(crate) deaf: u64,
    /// It sends a description that cannot be used, or none.
    pub(crate) vague: u64,
    /// Its bytes are not what they should be.
    pub(crate) sloppy: u64,
    /// It asks for something within the call, again and again.
    pub(crate) restless: u64,
}

impl Manners {
    /// Anything from polite to hopeless.
    pub(crate) fn any(rng: &mut Rng) -> Self {
        let mut up_to = |worst: u64| if rng.percent(50) { 0 } else { rng.below(worst) };
        Self {
            mute: up_to(40),
            deaf: up_to(60),
            vague: up_to(50),
            sloppy: up_to(10),
            restless: up_to(90),
        }
    }

    /// A session description at an address; none, if it is vague enough.
    pub(crate) fn description(self, rng: &mut Rng, address: &str) -> Option<String> {
        let direction = ["sendrecv", "sendonly", "inactive"][rng.below(3) as usize];
        let port = 4000 + 2 * rng.below(100);
        let good = format!(
            "v=0\r\no=- 1 {port} IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n\
             a=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
        );
        // A side that tells digits otherwise than in its media.
        if rng.percent(self.vague / 2) {
            return Some(good.replace("AVP 0 101", "AVP 0"));
        }
        if !rng.percent(self.vague) {
            return Some(good);
        }
        match rng.below(7) {
            0 => None,
            1 => Some("v=0\r\n".into()),
            2 => Some(good.replace("m=audio", "m=video")),
            3 => Some(good.replace("AVP 0 101", "AVP 18").replace("0 PCMU", "18 G729")),
            4 => Some(good.replace(address, "10.0.0.7")),
            5 => Some(good.replace(address, "0.0.0.0")),
            _ => Some(good.replace(&format!("m=audio {port}"), "m=audio 0")),
        }
    }

    /// What a called party answers in the end.
    pub(crate) fn final_status(self, rng: &mut Rng) -> Status {
        const OTHERS: [u16; 12] = [200, 202, 302, 401, 404, 407, 408, 422, 486, 500, 503, 603];
        match rng.percent(60) {
            true => Status::OK,
            false => Status(OTHERS[rng.below(OTHERS.len() as u64) as usize]),
        }
    }

    /// What it answers to a request within a call; nothing, if it is mute enough.
    pub(crate) fn status_within(self, rng: &mut Rng) -> Option<Status> {
        const OTHERS: [u16; 7] = [405, 408, 481, 488, 491, 500, 503];
        if rng.percent(self.mute) {
            return None;
        }
        match rng.percent(75) {
            true => Some(Status::OK),
            false => Some(Status(OTHERS[rng.below(OTHERS.len() as u64) as usize])),
        }
    }

    /// The headers that say what it can do, and what it wants.
    pub(crate) fn extensions(self, rng: &mut Rng) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        if rng.percent(50) {
            lines.push(("Supported", "timer, 100rel".into()));
        } else if rng.percent(15) {
            lines.push(("Require", "100rel".into()));
        }
        if rng.percent(50) {
            lines.push(("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, INFO".into()));
        }
        if rng.percent(40) {
            let refresher = ["", ";refresher=uac", ";refresher=uas"][rng.below(3) as usize];
            lines.push(("Session-Expires", format!("{}{refresher}", 60 + rng.below(200))));
        }
        if rng.percent(5) {
            lines.push(("Replaces", "x;to-tag=1;from-tag=2".into()));
        }
        lines
    }

    /// Spoils bytes on their way out: a wrong Content-Length, or any byte.
    pub(crate) fn spoil(self, rng: &mut Rng, bytes: &mut Vec<u8>) {
        if !rng.percent(self.sloppy) || bytes.is_empty() {
            return;
        }
        match rng.below(3) {
            0 => {
                let text = String::from_utf8_lossy(bytes);
                *bytes = text.replace("Content-Length: ", "Content-Length: 1").into_bytes();
            }
            1 => bytes.truncate(rng.below(bytes.len() as u64) as usize),
            _ => {
                let at = rng.below(bytes.len() as u64) as usize;
                bytes[at] = rng.below(256) as u8;
            }
        }
    }
}
