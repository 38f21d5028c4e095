//! RTP and RTCP relay between two legs, tones, DTMF, quality, without I/O.
