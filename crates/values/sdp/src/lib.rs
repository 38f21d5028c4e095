//! SDP grammar and the offer/answer rules of a trunk.
