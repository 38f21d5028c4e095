//! Why a description that can be read still cannot become a call.

use crate::Malformed;

/// Why an offer or answer is refused. Each is a named reason for a `Reject` of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body is no session description.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// There is no audio section that is not rejected by port 0.
    #[error("no audio stream is offered")]
    NoAudio,
    /// The audio has neither PCMU nor PCMA at 8000 Hz.
    #[error("no common codec: the trunk carries PCMU and PCMA")]
    NoCommonCodec,
    /// The audio is encrypted, and this side of the call takes it in clear only.
    #[error("encrypted media (RTP/SAVP) is offered where only RTP/AVP is taken")]
    Encrypted,
    /// The audio is in clear, and this side of the call takes it encrypted only.
    #[error("media in clear (RTP/AVP without a=crypto) is offered where SRTP is required")]
    EncryptionRequired,
    /// The audio is keyed by DTLS.
    #[error("the media's keys come by DTLS, and this trunk takes them by SDES (a=crypto) only")]
    Dtls,
    /// No `a=crypto` line can be used, or the answer's is none of the offer's.
    #[error("no common crypto suite: no a=crypto line that can be used")]
    NoCommonSuite,
    /// The audio runs over something that is neither RTP/AVP nor its encrypted kin.
    #[error("the audio stream is not carried by RTP/AVP")]
    UnknownProtocol,
    /// The audio has no `c=` line, one with a host name, or one nobody may send to.
    #[error("the audio stream has no unicast IP address to send to")]
    NoAddress,
    /// An answer has not one section per section of its offer. RFC 3264 §6.
    #[error("the answer does not have one m= line for each of the offer")]
    SectionsDiffer,
}

impl Refusal {
    /// The SIP status this refusal becomes: 400 for a body that cannot be read, else 488
    /// Not Acceptable Here (RFC 3261 §21.4.26).
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::NoAudio
            | Self::NoCommonCodec
            | Self::Encrypted
            | Self::EncryptionRequired
            | Self::Dtls
            | Self::NoCommonSuite
            | Self::UnknownProtocol
            | Self::NoAddress
            | Self::SectionsDiffer => 488,
        }
    }

    /// The reason's short name, for records and metric labels.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "sdp_malformed",
            Self::NoAudio => "sdp_no_audio",
            Self::NoCommonCodec => "sdp_no_common_codec",
            Self::Encrypted => "sdp_encrypted",
            Self::EncryptionRequired => "sdp_encryption_required",
            Self::Dtls => "sdp_dtls",
            Self::NoCommonSuite => "sdp_no_common_suite",
            Self::UnknownProtocol => "sdp_unknown_protocol",
            Self::NoAddress => "sdp_no_address",
            Self::SectionsDiffer => "sdp_sections_differ",
        }
    }
}
