//! Which caps are promises: what happens when a capture goes beyond one, what tells it, and the test that goes there.
//!
//! `tests/limits.rs` holds this list against the constants and the tests, and `wireglass-limits`(7) is made of it. What a cap
//! bounds, its unit and its reason stand at its constant.
use super::*;

/// What tells that a cap was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// A finding with this code.
    Finding(&'static str),
    /// A field of the record, or a message: which.
    Field(&'static str),
    /// Nothing besides this: what a reader may conclude.
    Here(&'static str),
}

/// A cap that a hostile capture can reach.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// Name of the constant.
    pub name: &'static str,
    /// Its value.
    pub value: u64,
    /// What is counted.
    pub unit: &'static str,
    /// What happens beyond it.
    pub beyond: &'static str,
    /// What tells it.
    pub told: Told,
    /// File and name of the test that reaches it; none where nobody has written one yet.
    pub test: Option<(&'static str, &'static str)>,
}

/// A constant that bounds no memory or time that a capture could take: the size of a batch, the rows of a table.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Name of the constant.
    pub name: &'static str,
    /// What it is instead.
    pub what: &'static str,
}

macro_rules! promises {
    (@test $file:literal $test:ident) => { Some(($file, stringify!($test))) };
    (@test) => { None };
    ($($name:ident $unit:literal: $beyond:literal; $told:expr; $($file:literal $test:ident)?)*) => {
        &[$(Promise {
            name: stringify!($name),
            value: $name as u64,
            unit: $unit,
            beyond: $beyond,
            told: $told,
            test: promises!(@test $($file $test)?),
        }),*]
    };
}

use Told::{Field, Finding, Here};

/// All promises: name, unit, what happens beyond it; what tells it; the file and the name of the test.
#[rustfmt::skip]
pub static PROMISES: &[Promise] = promises! {
    MAX_FLOWS "flows": "an idle flow is closed and reported as it is";
        Finding("capture.flow-limit"); "tests/hostile/floods.rs" a_flood_of_connections
    MAX_FLOW_BYTES "bytes": "an idle flow is closed and reported as it is";
        Finding("capture.flow-limit"); "src/flow/table/tests/room.rs" bytes_that_streams_hold_count
    MAX_PENDING_BYTES "bytes": "the message is treated as lost and what follows is read";
        Finding("tcp.reassembly-limit"); "src/flow/stream/tests.rs" too_much_pending_becomes_a_gap
    MAX_OUT_OF_ORDER_BYTES "bytes": "the hole is treated as lost and what lies behind it is read";
        Finding("tcp.reassembly-limit"); "tests/hostile/caps_capture.rs" too_many_bytes_behind_a_hole
    MAX_OUT_OF_ORDER_SEGMENTS "segments": "the hole is treated as lost and what lies behind it is read";
        Finding("tcp.reassembly-limit"); "tests/hostile/floods.rs" more_holes_than_are_waited_for
    MAX_PROBE_BYTES "bytes": "no protocol is looked for any more";
        Field("connection.application is null"); "tests/hostile/caps_capture.rs" bytes_that_no_protocol_wants
    MAX_TRANSITIONS "entries": "later ones are counted";
        Field("connection.transitions_total");
    MAX_WINDOW_SAMPLES "points": "every second one is given up, but peaks";
        Here("The series says when each point was"); "src/flow/tcp/windows.rs" a_series_stays_small_and_keeps_the_peaks
    MAX_FRAGMENTED_DATAGRAMS "datagrams": "the oldest incomplete one is given up";
        Finding("capture.fragment-limit"); "tests/hostile/floods.rs" fragments_that_never_end
    MAX_FRAGMENT_BYTES "bytes": "the oldest incomplete datagram is given up";
        Finding("capture.fragment-limit"); "tests/hostile/caps_capture.rs" too_many_bytes_of_fragments
    FRAGMENT_TIMEOUT_NS "nanoseconds": "the datagram is given up";
        Finding("ip.fragments-missing"); "src/flow/fragment.rs" what_was_never_whole_is_told
    MAX_PACKET_BYTES "bytes": "the rest of the file is not read";
        Field("capture.damage"); "tests/hostile/caps_capture.rs" a_packet_that_is_too_long
    MAX_LAYERS "headers": "the rest of the packet is not read";
        Field("packet.damage"); "tests/hostile/caps_capture.rs" too_many_headers
    MAX_TUNNEL_DEPTH "tunnels": "the rest of the packet is not read";
        Field("packet.damage"); "tests/hostile/caps_capture.rs" too_many_tunnels
    MAX_EXTENSIONS "headers": "the rest of the packet is not read";
        Field("packet.damage"); "tests/hostile/caps_capture.rs" too_many_extension_headers
    MAX_RELATIVE_FLOWS "connections": "later ones have no stream number, and their sequence numbers are shown as on the wire";
        Field("a message on standard error"); "tests/hostile/caps_capture.rs" more_connections_than_streams_are_numbered
    MAX_INNER_CHANNELS "streams": "further ones are not read";
        Finding("capture.inner-limit"); "src/app/sctp/tests.rs" streams_are_bounded
    MAX_BLOCK_BYTES "bytes": "the rest of the file is not read";
        Field("capture.damage"); "tests/hostile/caps_capture.rs" a_block_that_is_too_long
    MAX_INTERFACES "interfaces": "packets of further ones are left out";
        Field("capture.damage"); "tests/hostile/caps_capture.rs" too_many_interfaces
    MAX_SECRET_BYTES "bytes": "the rest is left out";
        Field("capture.damage"); "tests/hostile/caps_capture.rs" too_many_secrets
    MAX_COMMENTS "comments": "further ones are left out";
        Finding("capture.comment-limit"); "tests/hostile/caps_capture.rs" too_many_comments
    MAX_DNS_DATA_TEXT_BYTES "bytes": "the data is shown in hex";
        Here("Data that begins with \\# is as it was sent (RFC 3597 5)"); "tests/hostile/caps_dns.rs" data_that_would_be_longer_than_its_octets_in_hex
    MAX_DNS_RECORDS "records": "further ones are left out";
        Finding("dns.limit"); "tests/hostile/caps_dns.rs" too_many_records
    MAX_DNS_MESSAGE_TEXT_BYTES "bytes": "further records are left out";
        Finding("dns.limit"); "tests/hostile/floods.rs" a_dns_message_that_unpacks_to_a_hundred_times_its_size
    MAX_DNS_QUESTIONS "questions": "further ones are left out";
        Finding("dns.limit"); "tests/hostile/caps_dns.rs" too_many_questions
    MAX_DNS_EDNS_OPTIONS "options": "further ones are left out";
        Finding("dns.limit"); "tests/hostile/caps_dns.rs" too_many_options
    MAX_DNS_OUTSTANDING "queries": "the oldest is reported as unanswered";
        Finding("dns.limit"); "tests/hostile/floods.rs" queries_that_nobody_answers
    MAX_DNS_ANSWERED "answers": "the oldest is forgotten";
        Here("If it comes again it is reported as an answer to nothing"); "tests/hostile/caps_dns.rs" answers_that_were_forgotten_are_not_known_as_repeated
    MAX_DNS_QUERY_RECORDS "records": "further ones are left out";
        Finding("dns.limit"); "tests/hostile/caps_dns.rs" too_many_records_of_a_query
    MAX_DNS_TRANSFERS "transfers": "of a further one only the first message is read as its answer";
        Finding("dns.limit"); "tests/hostile/caps_dns.rs" too_many_transfers
    MAX_DNS_TRANSFER_BYTES "bytes": "further records are left out";
        Finding("dns.limit"); "src/app/dns/session_tests.rs" endless_transfers_are_bounded
    MAX_HTTP_START_LINE_BYTES "bytes": "it is not taken for HTTP";
        Here("What a tool sees that is no HTTP has no http record"); "tests/hostile/caps_http.rs" a_start_line_that_is_too_long
    MAX_HTTP_HEAD_BYTES "bytes": "the message is passed over";
        Finding("http.limit"); "src/app/http1/session_tests.rs" limits_are_told
    MAX_HTTP_FIELDS "fields": "further ones are left out";
        Finding("http.limit"); "src/app/http1/session_tests.rs" limits_are_told
    MAX_HTTP_CHUNK_LINE_BYTES "bytes": "the rest of the content is passed over";
        Finding("http.malformed-body"); "tests/hostile/caps_http.rs" a_chunk_line_that_is_too_long
    MAX_HTTP_PIPELINED "requests": "the oldest is reported before it is over";
        Finding("http.limit"); "src/app/http1/session_tests.rs" limits_are_told
    MAX_HTTP_INFORMATIONAL "responses": "further ones are left out";
        Finding("http.limit"); "src/app/http1/session_tests.rs" limits_are_told
    MAX_HTTP_COOKIES "cookies": "further ones are not listed by themselves";
        Here("The header fields hold them all"); "tests/hostile/caps_http.rs" too_many_cookies
    MAX_CHUNK_EXTENSIONS "extensions": "further ones are left out";
        Finding("http.limit"); "tests/hostile/caps_http.rs" too_many_chunk_extensions
    MAX_HPACK_TABLE_BYTES "bytes": "the oldest entries are forgotten";
        Finding("http2.limit"); "src/app/codec/hpack_tests.rs" a_bomb_of_names
    MAX_HTTP2_FRAME_BYTES "bytes": "the frame is passed over";
        Finding("http2.limit"); "src/app/http2/session_tests.rs" limits_are_reached_and_told
    MAX_HTTP2_HEADER_BLOCK_BYTES "bytes": "the block is passed over";
        Finding("http2.limit"); "src/app/http2/session_tests.rs" limits_are_reached_and_told
    MAX_HTTP2_HEADER_LIST_BYTES "bytes": "further fields are left out";
        Finding("http2.limit"); "src/app/http2/message.rs" a_bomb_is_bounded
    MAX_HTTP2_STREAMS "streams": "the oldest is reported before it is over";
        Finding("http2.limit"); "src/app/http2/session_tests.rs" limits_are_reached_and_told
    MAX_HTTP2_SEARCH_BYTES "bytes": "the direction is not read any more";
        Finding("http2.limit"); "src/app/http2/session_tests.rs" limits_are_reached_and_told
    MAX_UNPACKED_CERTIFICATE_BYTES "bytes": "the message is not read";
        Finding("tls.compressed-certificate"); "tests/hostile/caps_tls.rs" a_compressed_certificate_that_unpacks_to_too_much
    MAX_COMPRESSED_CERTIFICATES "messages": "further ones are not read";
        Finding("tls.limit"); "tests/hostile/caps_tls.rs" too_many_compressed_certificates
    MAX_HANDSHAKE_MESSAGE_BYTES "bytes": "the message is passed over";
        Finding("tls.limit"); "tests/hostile/caps_tls.rs" a_message_that_is_too_long
    MAX_CERTIFICATES "certificates": "further ones are left out";
        Finding("tls.limit"); "tests/hostile/floods.rs" more_certificates_than_are_read
    MAX_SCTS "timestamps": "further ones are left out";
        Finding("tls.limit"); "tests/hostile/caps_tls.rs" too_many_timestamps
    MAX_TLS_HELLOS "hellos": "the rest of the flow's handshakes is left out";
        Finding("tls.limit"); "tests/hostile/caps_tls.rs" too_many_hellos
    MAX_TLS_ALERTS "alerts": "further ones are left out";
        Finding("tls.limit"); "tests/hostile/floods.rs" tls_records_without_end
    MAX_LISTED_AUTHORITIES "names": "further ones are counted";
        Field("names_total"); "tests/hostile/caps_tls.rs" too_many_names_of_authorities
    MAX_TLS_PHASES "phases": "further ones are left out";
        Finding("tls.limit"); "tests/hostile/caps_tls.rs" too_many_phases
    MAX_DTLS_MESSAGES "messages": "what is incomplete is given up";
        Finding("tls.limit"); "tests/hostile/caps_tls.rs" too_many_dtls_messages_at_once
    MAX_DTLS_MESSAGE_BYTES "bytes": "the message is passed over";
        Finding("tls.limit"); "tests/hostile/caps_tls.rs" a_dtls_message_that_is_too_long
    MAX_DTLS_RANGES "ranges": "further fragments of the message are left out";
        Finding("tls.limit"); "tests/hostile/caps_tls.rs" a_dtls_message_in_too_many_pieces
    MAX_TLS_SEARCH_BYTES "bytes": "the direction is not read any more";
        Finding("tls.limit"); "tests/hostile/caps_tls.rs" a_search_that_finds_no_record
    MAX_TLS_FAILURES "records": "the direction is not opened any more";
        Finding("tls.decryption-failed"); "src/app/tls/dtls13_tests.rs" what_has_no_key_is_no_failure_and_what_was_changed_is
    MAX_QUIC_CRYPTO_AHEAD_BYTES "bytes": "the piece is not read";
        Finding("quic.too-much-crypto-data"); "src/app/quic/crypto_stream.rs" what_is_too_far_ahead_or_in_too_many_pieces_is_not_kept
    MAX_QUIC_CRYPTO_PIECES "pieces": "the piece is not read";
        Finding("quic.too-much-crypto-data"); "src/app/quic/crypto_stream.rs" what_is_too_far_ahead_or_in_too_many_pieces_is_not_kept
    MAX_OUTSTANDING_REQUESTS "requests": "the oldest counts as unanswered";
        Finding("application.limit"); "tests/hostile/caps_datagrams.rs" too_many_snmp_requests
    MAX_SECURITY_ASSOCIATIONS "associations": "packets of further ones are counted together";
        Finding("ip.limit"); "src/app/ipsec/tests.rs" associations_are_bounded
    MAX_SOCKS_TEXT_BYTES "bytes": "it is not taken for SOCKS";
        Here("What is inside is not read either");
    MAX_STARTTLS_LINE_BYTES "bytes": "the element is passed over";
        Here("TLS asked for inside it is not read"); "tests/hostile/caps_http.rs" xmpp_that_never_asks_for_tls
    MAX_BEFORE_STARTTLS "bytes": "the rest of the connection is not read";
        Here("TLS asked for later is not read"); "tests/hostile/caps_http.rs" xmpp_that_never_asks_for_tls
    MAX_VIRTUAL_ROUTERS "routers": "further ones are left out";
        Finding("ip.limit"); "src/app/vrrp/tests.rs" what_a_flow_holds_is_bounded
    MAX_REIGNS "times": "further ones are left out";
        Finding("ip.limit"); "src/app/vrrp/tests.rs" what_a_flow_holds_is_bounded
    MAX_PRIORITIES "priorities": "further ones are left out";
        Finding("ip.limit"); "src/app/vrrp/tests.rs" what_a_flow_holds_is_bounded
    MAX_RSVP_SESSIONS "sessions": "further ones are left out";
        Finding("ip.limit"); "src/app/routing/tests.rs" what_rsvp_lists_is_bounded
    MAX_OSPF_NEIGHBOURS "neighbours": "further ones are left out";
        Finding("ip.limit"); "src/app/ospf/tests.rs" neighbours_are_bounded
    MAX_MULTICAST_GROUPS "groups": "further ones are left out";
        Finding("ip.limit"); "src/app/igmp/tests.rs" groups_are_bounded
    MAX_SCTP_WAITING_CHUNKS "chunks": "the missing one is treated as lost";
        Finding("ip.limit"); "src/app/sctp/tests.rs" what_waits_is_bounded
    MAX_SCTP_WAITING_BYTES "bytes": "the missing one is treated as lost";
        Finding("ip.limit"); "src/app/sctp/tests.rs" what_waits_is_bounded
    MAX_COMPARED_CONNECTIONS "connections": "further ones are not compared";
        Finding("capture.comparison-limit"); "src/analysis/tests.rs" what_there_is_no_room_for_is_counted
    MAX_WATCHED_HOSTS "hosts": "connections of further ones are not compared";
        Finding("capture.comparison-limit"); "src/analysis/tests.rs" what_there_is_no_room_for_is_counted
    MAX_COMPARED_AUTHORITIES "authorities": "handshakes with further ones are not compared";
        Finding("tls.comparison-limit"); "src/analysis/inspection.rs" room_is_bounded
    MAX_COMPARED_SITES "sites": "handshakes with further ones are not compared";
        Finding("tls.comparison-limit"); "src/analysis/inspection.rs" room_is_bounded
    MAX_COMPARED_QUERIES "transactions": "further ones are not compared";
        Finding("dns.comparison-limit"); "src/analysis/dns_tests.rs" what_there_is_no_room_for_is_counted
    MAX_JOINED_TRANSACTIONS "transactions": "the oldest is forgotten";
        Here("What belongs to it later is not joined to it"); "src/analysis/journeys_tests.rs" what_is_remembered_is_bounded
    MAX_SAME_REQUESTS "requests": "the oldest is forgotten";
        Here("What belongs to it later is not joined to it"); "src/analysis/journeys_tests.rs" what_is_remembered_is_bounded
    MAX_COMPARED_PARTS "transactions": "further ones are left out";
        Finding("application.comparison-limit"); "tests/hostile/caps_datagrams.rs" too_many_dhcp_messages_and_transactions
    MAX_COMPARED_PROBES "steps": "further ones are not compared";
        Finding("icmp.comparison-limit"); "tests/hostile/caps_datagrams.rs" too_many_steps_of_traceroutes
    MAX_COMPARED_NEIGHBORS "hosts": "further ones are not compared";
        Finding("icmp.comparison-limit"); "tests/hostile/caps_datagrams.rs" too_many_errors_are_not_compared
    MAX_APPLICATION_FACTS "facts": "further ones are left out";
        Finding("application.limit"); "tests/hostile/caps_datagrams.rs" too_many_facts
    MAX_APPLICATION_TEXT_BYTES "bytes": "the rest is cut off";
        Here("An ellipsis stands where it was cut"); "src/app/codec/facts.rs" long_text_is_cut_between_characters
    MAX_APPLICATION_LIST_BYTES "bytes": "the rest is cut off";
        Here("An ellipsis stands where it was cut"); "src/app/codec/facts.rs" lists_are_bounded
    MAX_REPEATED_FACTS "facts": "further ones are counted";
        Field("a fact with their number"); "src/app/ftp/tests.rs" files_beyond_the_first_are_counted
    MAX_APPLICATION_LINE_BYTES "bytes": "the line is passed over";
        Finding("application.limit"); "tests/hostile/caps_http.rs" a_line_that_is_too_long
    MAX_APPLICATION_PENDING "commands": "the oldest counts as unanswered";
        Finding("application.limit"); "tests/hostile/caps_http.rs" too_many_commands_wait
    MAX_APPLICATION_FIELD_VALUES "values": "further ones are left out";
        Finding("application.limit"); "tests/hostile/caps_http.rs" too_many_features
    MAX_FACT_TEXT_BYTES "bytes": "the rest is cut off";
        Here("Of a packet's layer the beginning is shown"); "src/app/codec/messages.rs" text_is_cut_at_a_character
    MAX_DHCP_MESSAGES "messages": "further ones are counted";
        Field("a fact with their number"); "tests/hostile/caps_datagrams.rs" too_many_dhcp_messages_and_transactions
    MAX_DHCP_OPTIONS "options": "further ones are not read";
        Finding("application.limit"); "tests/hostile/caps_datagrams.rs" too_many_dhcp_options
    MAX_DHCP_RELAYS "relays": "the message is not read";
        Here("There is no record of it"); "tests/hostile/caps_datagrams.rs" too_many_dhcp_relays
    MAX_NTP_OUTSTANDING "requests": "the oldest counts as unanswered";
        Finding("application.limit"); "tests/hostile/caps_datagrams.rs" too_many_ntp_requests
    MAX_SNMP_VARIABLES "variables": "further ones are counted";
        Field("a fact with the last one"); "tests/hostile/caps_datagrams.rs" too_many_snmp_variables
    MAX_SNMP_NAMES "names": "further ones are counted";
        Field("a fact with the last one"); "tests/hostile/caps_datagrams.rs" too_many_snmp_variables
    MAX_RIP_ROUTES "routes": "further ones are left out";
        Finding("application.limit"); "tests/hostile/caps_datagrams.rs" too_many_rip_routes
    MAX_IKE_PARTS "payloads": "further ones are not read";
        Finding("application.limit"); "tests/hostile/caps_datagrams.rs" too_many_ike_payloads
    MAX_OPENVPN_EARLY_PACKETS "packets": "the packet is left out";
        Finding("application.limit"); "tests/hostile/caps_datagrams.rs" too_many_openvpn_packets_ahead
    MAX_OPENVPN_EARLY_BYTES "bytes": "the packet is left out";
        Finding("application.limit"); "tests/hostile/caps_datagrams.rs" too_many_openvpn_packets_ahead
    MAX_ECHO_OUTSTANDING "requests": "the oldest counts as lost";
        Finding("icmp.limit"); "tests/hostile/caps_datagrams.rs" too_many_pings_wait
    MAX_ECHO_ERRORS "errors": "further ones are left out";
        Here("The evidence names their packets");
    MAX_FILTER_DEPTH "levels": "the filter is refused";
        Field("a message on standard error"); "src/filter/tests.rs" depth_and_length_are_bounded
    MAX_FILTER_BYTES "bytes": "the filter is refused";
        Field("a message on standard error"); "src/filter/tests.rs" depth_and_length_are_bounded
    MAX_OBJECT_NAME_BYTES "bytes": "the name is cut in front of its extension";
        Here("The object field of the http record names the file"); "src/cli/object_names.rs" long_names_keep_their_extension
    TOP_TALKERS "pairs": "the least is pushed out, and the newcomer's count says by how much it may be too high";
        Field("overcount"); "src/analysis/summary.rs" a_scan_does_not_push_a_heavy_pair_out_nor_grow_the_list
    MAX_HTTP2_ENDED_STREAMS "streams": "the oldest is forgotten";
        Here("What still comes of it is reported as a stream of its own");
    MAX_OCSP_RESPONSES "statements": "further ones are not read";
        Here("A staple is about one certificate");
    MAX_OCSP_CERTIFICATES "certificates": "further ones are not tried";
        Here("The staple may then be called unsigned");
    MAX_COMPARED_ROUTERS "routers": "further ones are not compared";
        Finding("ip.limit"); "tests/hostile/caps_more.rs" too_many_routers_are_not_compared
    MAX_LINK_FINDINGS "pairs": "further ones are not told";
        Here("64 findings of one code say that there may be more");
    MAX_TLS_KEY_ATTEMPTS "attempts": "the direction is not searched any more";
        Finding("tls.decryption-failed");
    MAX_TLS_EARLY_BYTES "bytes": "further early data is not read";
        Finding("tls.limit");
    MAX_RSA_BYTES "bytes": "the rest is cut off, and the key does not open it";
        Finding("tls.decryption-failed");
    MAX_QUIC_CONNECTIONS "connections": "the oldest is reported, and its packets stay closed";
        Finding("quic.too-many-connections");
    MAX_QUIC_RETRIES "packets": "further ones are not remembered";
        Finding("quic.limit");
    MAX_QUIC_CRYPTO_BYTES "bytes": "further ones are not read";
        Finding("quic.too-much-crypto-data");
    MAX_QUIC_UPDATE_ATTEMPTS "packets": "keys of updates far ahead are not tried any more";
        Finding("quic.decryption-failed");
    MAX_QUIC_CONNECTION_IDS "identifiers": "the oldest but the first is forgotten";
        Here("Packets with a forgotten one stay closed");
    MAX_TRUNCATED_ANSWERS "answers": "the oldest is forgotten";
        Here("Its repetition over TCP is not linked to it");
    MAX_LISTED_IN_STEP "records": "further ones are left out of the resolution";
        Here("The dns record lists them all");
    MAX_RESOLUTION_STEPS "steps": "further ones are counted";
        Field("resolution.steps_total");
    MAX_RESOLUTION_NAMES "names": "queries for further ones are not joined";
        Here("They are resolutions of their own");
    MAX_OPEN_RESOLUTIONS "questions": "the oldest is reported as it is";
        Here("Its later queries are not joined");
    MAX_SHARED_ADDRESSES "addresses": "further ones are counted";
        Field("round_robin.addresses_total");
    MAX_CHOSEN_CONNECTIONS "connections": "further ones are counted";
        Field("round_robin.connections_total");
    MAX_OBJECT_BYTES "bytes": "the object is cut there";
        Field("object.complete");
    MAX_OBJECT_RATIO "times": "the object is cut there";
        Finding("http.decompression-bomb"); "tests/hostile/caps_more.rs" an_object_that_unpacks_to_too_much
    MAX_CONTENT_CODINGS "codings": "further ones are left on";
        Field("object");
    MAX_ZSTD_WINDOW_LOG "powers of two": "the content is left as it was sent";
        Field("object"); "src/app/codec/http/coding.rs" zstandard_is_taken_off_up_to_its_window
    MAX_EXPORTED_OBJECTS "files": "further ones are not written";
        Finding("http.export-limit");
    MAX_EXPORTED_BYTES "bytes": "further ones are not written";
        Finding("http.export-limit");
    MAX_OPEN_OBJECTS "messages": "content of further ones is not collected";
        Finding("http.export-limit");
    MAX_WEBSOCKET_FAULTS "kinds": "further ones are not told";
        Finding("websocket.limit");
    MAX_FILTER_PATTERNS "patterns": "the filter is refused";
        Field("a message on standard error"); "src/filter/tests.rs" depth_and_length_are_bounded
    MAX_PATTERN_BYTES "bytes": "the filter is refused";
        Field("a message on standard error"); "tests/hostile/caps_more.rs" a_pattern_that_grows_too_large
    MAX_FOLLOW_HELD_BYTES "bytes": "the stream is shown as TCP carried it";
        Here("What is shown says which layer it is of");
    MAX_FOLLOW_HELD "pieces": "the stream is shown as TCP carried it";
        Here("What is shown says which layer it is of");
    MAX_PASSING_FLOWS "flows": "the one that passed first is forgotten";
        Field("a message on standard error");
    MAX_SCTP_ADDRESSES "addresses": "further ones are left out";
        Here("`packets -V` shows them");
    MAX_SCTP_PROTOCOLS "protocols": "further ones are left out";
        Here("`packets -V` shows them");
    MAX_SCTP_ERRORS "errors": "further ones are left out";
        Here("`packets -V` shows them");
    MAX_SCTP_CAUSES "causes": "further ones are left out";
        Here("`packets -V` shows them");
    MAX_SCTP_REASON_CHARACTERS "characters": "the rest is cut off";
        Here("`packets -V` shows it");
    MAX_LISTED_IN_ADVERTISEMENT "entries": "further ones are left out";
        Here("`packets -V` shows them"); "tests/hostile/caps_more.rs" too_many_prefixes_of_a_router
    MAX_CLAIMS "entries": "further ones are left out";
        Here("The evidence names the packets"); "tests/hostile/caps_more.rs" too_many_ports_of_one_kind_of_error
    MAX_STATISTICS_CONVERSATIONS "conversations": "packets of further ones are missing from the table";
        Finding("capture.statistics-limit"); "tests/hostile/caps_more.rs" too_many_conversations_and_senders
    MAX_STATISTICS_HOPS "pairs": "packets of further ones are missing from the table";
        Finding("capture.statistics-limit"); "tests/hostile/caps_more.rs" too_many_conversations_and_senders
    MAX_STATISTICS_INTERVALS "intervals": "packets of further ones are missing from the table";
        Finding("capture.statistics-limit");
    MAX_STATISTICS_LINES "filters": "more are refused";
        Field("a message on standard error");
    LIVE_MERGE_BYTES "bytes": "the order of packets of different interfaces is given up";
        Here("Packets of one interface stay in order");
    LIVE_QUEUE_BYTES "bytes": "packets are dropped";
        Field("the drops of live");
    MAX_CARRIED_SECRET_BYTES "bytes": "older secrets are left out of further files";
        Here("The first file has them");
    MAX_CHECKS "assertions": "the SPEC is refused";
        Field("a message on standard error");
    MAX_CHECK_NUMBERS "numbers": "the percentile is not judged";
        Field("the result of check");
    MAX_CHECK_VALUES "values": "the set is not judged";
        Field("the result of check");
    MAX_SPEC_BYTES "bytes": "the SPEC is refused";
        Field("a message on standard error");
    MAX_SNAPSHOT_RECORDS "records": "the snapshot is refused";
        Field("the result of check");
    MAX_INTERFACE_EVENTS "changes": "further ones are left out";
        Here("The first ones are listed");
};

/// All others.
pub static LAYOUT: &[Layout] = &[
    Layout { name: "SHARDS", what: "parts into which flows are divided" },
    Layout { name: "BYTES_PER_FLOW", what: "what MAX_FLOW_BYTES is counted with" },
    Layout { name: "BYTES_PER_SMALL_FLOW", what: "what MAX_FLOW_BYTES is counted with" },
    Layout { name: "BYTES_PER_HELD_SEGMENT", what: "what MAX_FLOW_BYTES is counted with" },
    Layout { name: "READ_BUFFER_BYTES", what: "size of a buffer" },
    Layout { name: "FIRST_READ_BYTES", what: "size of a buffer" },
    Layout { name: "OBJECT_BUFFER_BYTES", what: "size of a buffer: beyond it content goes to a file" },
    Layout { name: "FINISHED_AT_ONCE", what: "size of a batch" },
    Layout { name: "MAX_SEGMENTS_HELD", what: "size of a batch" },
    Layout { name: "TABLE_ROWS", what: "rows of a table, which says how many more there are" },
    Layout { name: "MAX_DOCUMENT_ROWS", what: "rows of a document, which says how many more there are" },
    Layout { name: "MAX_TALKERS", what: "rows of a table" },
    Layout { name: "MAX_FINDING_CODES", what: "rows of a table; the catalogue has fewer" },
    Layout { name: "MAX_LADDER_ROWS", what: "rows of a drawing, which says how many are folded" },
    Layout { name: "MAX_PICTURE_ROWS", what: "rows of a drawing, which says how many are folded" },
    Layout { name: "MAX_KEPT_VERDICTS", what: "a cache: reaching it costs time only" },
    Layout { name: "MAX_STATISTICS_STEPS", what: "intervals become longer; nothing is lost" },
    Layout { name: "TLS_NUMBER_WINDOW", what: "numbers tried, not kept" },
    Layout { name: "FREE_OBJECT_BYTES", what: "where MAX_OBJECT_RATIO begins to count" },
    Layout { name: "BYTES_PER_SESSION", what: "what MAX_FLOW_BYTES is counted with" },
    Layout { name: "GLANCE_FLOWS", what: "rows and names of a display" },
    Layout { name: "GLANCE_KEPT", what: "rows and names of a display" },
    Layout { name: "GLANCE_NEWEST", what: "rows and names of a display" },
    Layout { name: "GLANCE_ROWS", what: "rows and names of a display" },
    Layout { name: "SCREEN_NAMES", what: "rows and names of a display" },
    Layout { name: "SCREEN_ROWS", what: "rows and names of a display" },
    Layout { name: "SCREEN_ROWS_AT_ONCE", what: "rows and names of a display" },
    Layout { name: "MAX_OFFENDERS", what: "rows of a report, which counts the others" },
    Layout { name: "MAX_DIFFERENCES", what: "rows of a report, which counts the others" },
    Layout { name: "MAX_ALIGNED", what: "work for a readable difference" },
];
