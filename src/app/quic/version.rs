//! QUIC versions: which are known, how each numbers its long packet types, and the constants of its Initial keys.

/// A version number as on the wire (RFC 9000, section 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub u32);

/// What the Initial keys of a version are derived with (RFC 9001, section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialConstants {
    /// Salt of the HKDF-Extract.
    pub salt: [u8; 20],
    /// The labels of the keys.
    pub labels: Labels,
}

/// The labels of HKDF-Expand-Label by which keys come out of secrets (RFC 9001, section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Of the AEAD's key.
    pub key: &'static str,
    /// Of its IV.
    pub iv: &'static str,
    /// Of the key of header protection.
    pub header: &'static str,
    /// Of the next secret (section 6.1).
    pub update: &'static str,
}

impl Labels {
    const V1: Self = Self { key: "quic key", iv: "quic iv", header: "quic hp", update: "quic ku" };
    /// RFC 9369, section 3.3.2.
    const V2: Self = Self { key: "quicv2 key", iv: "quicv2 iv", header: "quicv2 hp", update: "quicv2 ku" };
    /// Up to draft 23 secrets were updated as in TLS.
    const DRAFT_23: Self = Self { update: "traffic upd", ..Self::V1 };
}

/// Key and nonce of the integrity tag of Retry packets (RFC 9001, section 5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryConstants {
    /// AES-128-GCM key.
    pub key: [u8; 16],
    /// Its nonce.
    pub nonce: [u8; 12],
}

const fn ietf(salt: [u8; 20]) -> InitialConstants {
    InitialConstants { salt, labels: Labels::V1 }
}

/// Drafts 21 and 22.
const DRAFT_22: InitialConstants = ietf([
    0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64,
    0x4a,
]);
/// Drafts 23 to 28.
const DRAFT_23: InitialConstants = ietf([
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5,
    0x02,
]);
/// Drafts 29 to 32.
const DRAFT_29: InitialConstants = ietf([
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8,
    0x99,
]);
/// Drafts 33 and 34, and version 1.
const V1: InitialConstants = ietf([
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f,
    0x0a,
]);
/// Version 2 (RFC 9369, section 3.3.1).
const V2: InitialConstants = InitialConstants {
    salt: [
        0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd,
        0x2e, 0xd9,
    ],
    labels: Labels::V2,
};
const Q050: InitialConstants = ietf([
    0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94, 0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0, 0xd3, 0xb5, 0x6b,
    0x45,
]);
const T050: InitialConstants = ietf([
    0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60, 0x48, 0x83,
    0x10,
]);
const T051: InitialConstants = ietf([
    0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda, 0x6e, 0x03,
    0x3d,
]);

const RETRY_V1: RetryConstants = RetryConstants {
    key: [0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a, 0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e],
    nonce: [0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb],
};
const RETRY_V2: RetryConstants = RetryConstants {
    key: [0x8f, 0xb4, 0xb0, 0x1b, 0x56, 0xac, 0x48, 0xe2, 0x60, 0xfb, 0xcb, 0xce, 0xad, 0x7c, 0xcc, 0x92],
    nonce: [0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c, 0x6d, 0x99, 0x90, 0xef, 0xb0, 0x4a],
};

impl Version {
    /// Version negotiation (RFC 9000, section 17.2.1).
    pub const NEGOTIATION: Self = Self(0);
    /// RFC 9000.
    pub const V1: Self = Self(1);
    /// RFC 9369.
    pub const V2: Self = Self(0x6b33_43cf);
    /// Google's last version before the IETF's header; lengths of connection IDs share a byte.
    pub const Q046: Self = Self(0x5130_3436);
    /// Google's version with Initial packets, but its own handshake inside.
    pub const Q050: Self = Self(0x5130_3530);
    const T050: u32 = 0x5430_3530;
    const T051: u32 = 0x5430_3531;

    /// One of those reserved to force negotiation, 0x?a?a?a?a (RFC 9000, section 15).
    pub fn is_greased(self) -> bool {
        self.0 & 0x0f0f_0f0f == 0x0a0a_0a0a
    }

    /// The draft's number, for the IETF's drafts.
    fn draft(self) -> Option<u8> {
        let [high, middle, low, draft] = self.0.to_be_bytes();
        (high == 0xff && middle == 0 && low == 0).then_some(draft)
    }

    /// Whether this is a version whose packets can be told from chance: not negotiation, not greased.
    pub fn is_known(self) -> bool {
        matches!(self, Self::V1 | Self::V2 | Self::Q046 | Self::Q050)
            || matches!(self.0, Self::T050 | Self::T051 | 0xface_b000..=0xface_b0ff)
            || self.draft().is_some_and(|draft| (21..=34).contains(&draft))
    }

    /// The constants its Initial keys may be derived with, likeliest first. Several where the number does not tell:
    /// greased versions carry what their sender speaks otherwise, and Facebook's move with its code.
    pub fn initial_constants(self) -> &'static [InitialConstants] {
        match self.0 {
            1 => &[V1],
            0x6b33_43cf => &[V2],
            0x5130_3530 => &[Q050],
            Self::T050 => &[T050],
            Self::T051 => &[T051],
            0xface_b001 => &[DRAFT_22],
            0xface_b002 => &[DRAFT_23],
            0xface_b000..=0xface_b0ff => &[DRAFT_29, V1, DRAFT_23],
            _ if self.is_greased() => &[DRAFT_29, V1, DRAFT_23],
            _ => match self.draft() {
                Some(21 | 22) => &[DRAFT_22],
                Some(23..=28) => &[DRAFT_23],
                Some(29..=32) => &[DRAFT_29],
                Some(33 | 34) => &[V1],
                _ => &[],
            },
        }
    }

    /// The labels of its keys at the levels above Initial.
    pub fn labels(self) -> Labels {
        match (self, self.draft()) {
            (Self::V2, _) => Labels::V2,
            (_, Some(..=23)) | (Self(0xface_b001 | 0xface_b002), _) => Labels::DRAFT_23,
            _ => Labels::V1,
        }
    }

    /// The constants of its Retry packets' integrity tag, where they are known.
    pub fn retry_constants(self) -> Option<RetryConstants> {
        match (self, self.draft()) {
            (Self::V1, _) | (_, Some(33 | 34)) => Some(RETRY_V1),
            (Self::V2, _) => Some(RETRY_V2),
            _ => None,
        }
    }

    /// Whether the CRYPTO stream of its Initial packets is TLS.
    pub fn carries_tls(self) -> bool {
        !matches!(self, Self::Q046 | Self::Q050)
    }

    /// Whether its frames are Google's (Q050, T050, T051).
    pub fn has_google_frames(self) -> bool {
        matches!(self.0, Self::T050 | Self::T051) || self == Self::Q050
    }
}
