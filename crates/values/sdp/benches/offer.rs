//! Nanoseconds to read an offer's audio and to rewrite it for a relay: `cargo bench -p sdp`.
#![expect(clippy::disallowed_methods, reason = "a bench measures")]

use std::hint::black_box;
use std::time::Instant;

use sdp::{OriginRewrite, Relayed, Rewrite, Session};

const OFFER: &[u8] =
    b"v=0\r\no=- 1447 1447 IN IP4 10.1.2.3\r\ns=pbx\r\nc=IN IP4 10.1.2.3\r\nt=0 0\r\n\
    m=audio 17284 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";

fn main() {
    // `cargo test` runs benches once as tests; one short round proves that it works.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let rounds = if is_bench { 50_000 } else { 10 };
    let mut out = Vec::with_capacity(2 * OFFER.len());
    let address = [198, 51, 100, 1].into();

    let parse = best(rounds, || drop(black_box(Session::parse(black_box(OFFER)))));
    let audio = best(rounds, || {
        let session = Session::parse(black_box(OFFER)).expect("a sound offer");
        black_box(session.audio().expect("audio"));
    });
    let rewrite = best(rounds, || {
        out.clear();
        let session = Session::parse(black_box(OFFER)).expect("a sound offer");
        let relayed = [Relayed::new(0, 20_000)];
        let origin = OriginRewrite::Address;
        session.rewrite(&Rewrite { address, origin, relayed: &relayed }, &mut out);
        black_box(&out);
    });
    let bytes = OFFER.len();
    println!(
        "offer of {bytes} bytes: parse {parse} ns, parse + audio {audio} ns, parse + rewrite {rewrite} ns"
    );
}

/// The best mean of nine runs, in nanoseconds.
fn best(rounds: u32, mut run: impl FnMut()) -> u32 {
    (0..9)
        .map(|_| {
            let began = Instant::now();
            (0..rounds).for_each(|_| run());
            (began.elapsed() / rounds).subsec_nanos()
        })
        .min()
        .expect("nine runs")
}
