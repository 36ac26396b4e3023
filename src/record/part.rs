//! What a flow says of a conversation that is spread over several flows, and is put together in the analysis.
use super::{Endpoint, FlowId, PacketRef, Side};

/// One message of a conversation whose messages are in several flows, which may be in several shards. Bounded: long
/// conversations are summed up by the session that sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationPart {
    /// The flow that holds it.
    pub flow: FlowId,
    /// Who sent it.
    pub source: Endpoint,
    /// To whom.
    pub destination: Endpoint,
    /// The packet that completed it.
    pub packet: PacketRef,
    /// The last packet that it sums up; `packet` where it is one message.
    pub last: PacketRef,
    /// What was said, in order: name and value as in [`super::ApplicationFact`].
    pub facts: Vec<(&'static str, String, Side, PacketRef)>,
    /// What it is.
    pub kind: PartKind,
}

/// Of which conversation a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// A DHCP message (RFC 2131) or, with `is_v6`, one of DHCPv6 (RFC 8415).
    Dhcp {
        /// RFC 8415 instead of RFC 2131.
        is_v6: bool,
        /// Transaction id.
        transaction: u32,
        /// The client: its hardware address or client identifier, in DHCPv6 its DUID.
        client: String,
        /// What the message is.
        message: DhcpMessageKind,
        /// Name of the message's type, such as `Discover`.
        name: &'static str,
        /// Which server says so, or is spoken to.
        server: Option<String>,
        /// Why the server refuses, as it says.
        reason: Option<String>,
    },
    /// A request for a TFTP transfer (RFC 1350), or with it its error.
    TftpRequest,
    /// The transfer behind it, between other ports; summed up.
    TftpTransfer {
        /// Why it failed, as the side says that sent the error.
        error: Option<(Side, String)>,
    },
}

/// Kinds of DHCP messages as far as they matter for what becomes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DhcpMessageKind {
    /// The client looks for servers: DHCPDISCOVER, Solicit.
    Search,
    /// The client asks one server or confirms what it had: DHCPREQUEST, Request, Renew, Rebind, Confirm, DHCPINFORM.
    Ask,
    /// DHCPDECLINE, Decline: the address is in use by somebody else.
    Decline,
    /// DHCPRELEASE, Release: no address any more.
    Release,
    /// A server's offer: DHCPOFFER, Advertise.
    Offer,
    /// A server's agreement: DHCPACK, Reply.
    Agreement,
    /// A server's refusal: DHCPNAK, or a Reply whose status is a failure.
    Refusal,
    /// Anything else.
    Other,
}
