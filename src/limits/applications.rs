//! Caps of protocols that are read only as far as their first facts.
use super::Limit;

/// [`MAX_APPLICATION_FACTS`] and the numbers of transactions kept of protocols that are not followed further.
pub static APPLICATION: Limit = Limit {
    code: "application.limit",
    what: "times a flow said more of itself than is kept",
    explanation: "Of protocols that are not followed further, only the first facts are kept, and only so many transactions of a \
                  flow wait for their answer; what is beyond is counted, or left out. `packets` shows every message.",
};

/// [`MAX_COMPARED_PARTS`].
pub static PARTS: Limit = Limit {
    code: "application.comparison-limit",
    what: "DHCP or TFTP messages were left out",
    explanation: "To bound memory, only the first 16,384 DHCP transactions and TFTP transfers of a capture are reported. Filter \
                  the capture to see the others.",
};

/// [`MAX_SCTP_WAITING_CHUNKS`] and the other caps of protocols right above IP.
pub static ABOVE_IP: Limit = Limit {
    code: "ip.limit",
    what: "times more was said in a protocol right above IP than is kept",
    explanation: "To bound memory, only so many groups, virtual routers, neighbours, security associations and pieces of \
                  messages of one flow are kept; what is beyond is left out of its facts.",
};

/// Facts kept of a flow whose protocol is not followed further.
pub const MAX_APPLICATION_FACTS: usize = 48;

/// Bytes of one such fact, and of a value in a packet's layer: banners, names and paths are shorter.
pub const MAX_APPLICATION_TEXT_BYTES: usize = 256;

/// Bytes of a fact that is a list, such as the capabilities of a server; IMAP servers name some 600 bytes of them.
pub const MAX_APPLICATION_LIST_BYTES: usize = 1024;

/// Facts kept of one name that may come again and again: files, recipients, mailboxes. Their number is a fact of its own.
pub const MAX_REPEATED_FACTS: usize = 8;

/// Longest line of a protocol made of lines, in bytes; longer ones pass unread. SMTP allows 1000 (RFC 5321 4.5.3.1.6), and
/// 12288 for what AUTH sends (RFC 4954 4), of which Kerberos tickets may need much.
pub const MAX_APPLICATION_LINE_BYTES: usize = 16 << 10;

/// Commands of one connection that wait for their reply: more than clients pipeline.
pub const MAX_APPLICATION_PENDING: usize = 64;

/// Values shown of one field in one packet.
pub const MAX_APPLICATION_FIELD_VALUES: usize = 64;

/// Bytes of one fact's text: names, paths and messages for people are shorter.
pub const MAX_FACT_TEXT_BYTES: usize = 256;

/// Transactions whose messages are in several flows (DHCP, TFTP) that are put together in one run: some 10 MB of them.
pub const MAX_COMPARED_PARTS: usize = 1 << 14;

/// Messages listed of one DHCP transaction: four are usual, a client that gets no answer repeats its own a few times.
pub const MAX_DHCP_MESSAGES: usize = 12;

/// Options read of one DHCP message, its relays' included: servers send some twenty.
pub const MAX_DHCP_OPTIONS: usize = 256;

/// Relays that may have wrapped one DHCPv6 message (RFC 8415 7.6: HOP_COUNT_LIMIT is 8).
pub const MAX_DHCP_RELAYS: usize = 8;

/// NTP requests of a flow that wait for their answer: a client asks once a minute, or eight times in a burst.
pub const MAX_NTP_OUTSTANDING: usize = 16;

/// Variables listed of one SNMP message; a bulk answer may hold a thousand.
pub const MAX_SNMP_VARIABLES: usize = 64;

/// Object identifiers told of one SNMP flow.
pub const MAX_SNMP_NAMES: usize = 8;

/// Routes told of one RIP flow.
pub const MAX_RIP_ROUTES: usize = 25;

/// Payloads looked at of one IKE message, and transforms of its proposals: three to ten, and up to some hundred.
pub const MAX_IKE_PARTS: usize = 256;

/// Multicast groups kept of one sender, for each thing that is said of groups.
pub const MAX_MULTICAST_GROUPS: usize = 64;

/// Neighbours listed of one OSPF router; a link has a few.
pub const MAX_OSPF_NEIGHBOURS: usize = 32;

/// Pieces of SCTP messages of one direction that wait for those before them: a window of 1.5 MB in full packets.
pub const MAX_SCTP_WAITING_CHUNKS: usize = 1024;

/// Their bytes.
pub const MAX_SCTP_WAITING_BYTES: usize = 1 << 20;

/// Addresses listed of each end of an SCTP association; hosts have two or four.
pub const MAX_SCTP_ADDRESSES: usize = 8;

/// Payload protocols listed of each side of an SCTP association; one is usual.
pub const MAX_SCTP_PROTOCOLS: usize = 8;

/// Different ERRORs told of one SCTP association.
pub const MAX_SCTP_ERRORS: usize = 2;

/// Error causes told of one ABORT or ERROR.
pub const MAX_SCTP_CAUSES: usize = 4;

/// Characters of the reason that an SCTP ABORT gives in words.
pub const MAX_SCTP_REASON_CHARACTERS: usize = 120;
