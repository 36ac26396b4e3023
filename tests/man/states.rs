//! wireglass-states(7): what the states, certainties, ways of closing and phases mean. Written by hand, but for the table of
//! transitions, which is asked of the state machine itself.
use roff::{Roff, bold, italic, roman};
use wireglass::{
    flow::tcp::state::{Event, next},
    record::{Certainty, TcpState},
};

use TcpState::{
    CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait,
};

/// In the order in which textbooks tell them.
const STATES: &[(TcpState, &str)] = &[
    (Listen, "A server that waits for a SYN. Never on a wire, so always assumed: it stands before a SYN-ACK."),
    (SynSent, "A SYN was sent, no answer has come."),
    (SynReceived, "A SYN came and was answered with SYN and ACK, which is not acknowledged yet."),
    (Established, "The handshake is complete for this end: data can flow."),
    (FinWait1, "This end closed first: its FIN is not acknowledged yet."),
    (FinWait2, "Its FIN was acknowledged; the other end may go on sending."),
    (
        CloseWait,
        "The other end closed; this one has not yet. A connection that stays here is one whose program forgot it.",
    ),
    (Closing, "Both closed at the same time: the other's FIN came before the acknowledgment of this end's."),
    (LastAck, "The other end closed first, now this one has too: its FIN is not acknowledged yet."),
    (
        TimeWait,
        "Closed, but the pair of addresses and ports is kept until old segments have died out: twice the maximum segment \
         lifetime (--msl). The end that closed first waits here.",
    ),
    (Closed, "No connection: before it, or after its end."),
];

const CERTAINTIES: &[(&str, &str)] = &[
    ("observed", "That side itself sent what proves it."),
    (
        "implied",
        "What should have caused it was seen: a SYN-ACK passed by, so the client should be ESTABLISHED. It may have been lost \
         behind the capture point. When the side later sends what proves it, the step becomes observed; when it sends what \
         disproves it (the same SYN again), the step is taken back.",
    ),
    (
        "assumed",
        "Never visible on a wire: LISTEN, the end of TIME-WAIT, giving up; or guessed by convention because the capture began late.",
    ),
];

const CLOSES: &[(&str, &str)] = &[
    ("graceful", "Both FINs were sent and acknowledged."),
    ("half_closed", "One side sent its FIN; the other did not."),
    ("reset", "RST after the connection was established."),
    ("refused", "RST or ICMP answered the SYN."),
    ("aborted", "Given up before it was established, by the side that had begun."),
    ("timed_out", "No answer."),
    ("open", "Neither FIN nor RST is in the capture."),
];

const PHASES: &[&str] = &[
    "A phase of a TLS handshake is one message of it, under its name in RFC 9846 and RFC 5246 in snake case (client_hello, \
     server_hello, certificate, finished, ...), with the packet that completed it, the side that sent it, the time since the one before \
     and whose time that was: client and server are the time that side took to answer, network the way there and back as far as the \
     capture point can tell it.",
    "Messages that are encrypted and not opened with secrets are told by their place and size. Such a phase is implied, and stands in \
     brackets in pictures.",
    "A handshake is established when both sides went on to protected application data, failed when it was refused or broken off \
     (failure has the code, the side and why), incomplete when the capture does not show the end.",
];

const COMPLETENESS: &[(&str, &str)] = &[
    ("1", "a SYN was seen"),
    ("2", "a SYN-ACK was seen"),
    ("4", "an ACK was seen"),
    ("8", "data was seen"),
    ("16", "a FIN was seen"),
    ("32", "a RST was seen"),
];

const EVENTS: [Event; 13] = [
    Event::SendSyn,
    Event::SendSynAck,
    Event::ReceiveSynAck,
    Event::SendAck,
    Event::ReceiveAckOfSyn,
    Event::SendFin,
    Event::ReceiveAckOfFin,
    Event::ReceiveFin,
    Event::SendReset,
    Event::ReceiveReset,
    Event::ReceiveUnreachable,
    Event::TimeWaitEnds,
    Event::GivesUp,
];

fn name(state: TcpState) -> String {
    serde_json::to_value(state).unwrap().as_str().unwrap().to_owned()
}

fn certainty(certainty: Certainty) -> String {
    serde_json::to_value(certainty).unwrap().as_str().unwrap().to_owned()
}

fn list(page: &mut Roff, title: &str, entries: impl IntoIterator<Item = (String, String)>) {
    page.control("SH", [title]);
    for (term, meaning) in entries {
        page.control("TP", []);
        page.text(vec![bold(term)]);
        page.text(vec![roman(meaning)]);
    }
}

fn owned(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(term, meaning)| ((*term).to_owned(), (*meaning).to_owned())).collect()
}

/// The page.
pub fn page() -> Vec<u8> {
    let mut page = Roff::new();
    page.control("TH", ["wireglass-states", "7", "", "wireglass"]);
    page.control("SH", ["NAME"]);
    page.text(vec![roman("wireglass-states - the states and phases that "), bold("wireglass"), roman("(1) reports")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text(vec![
        roman("wireglass follows both endpoints of a TCP connection through the states of RFC 9293, section 3.3.2, from what passed \
               the capture point. An endpoint's state cannot be seen; what it sends and should have received can. So each state \
               change has a packet, a "),
        italic("certainty"),
        roman(" and the section of the RFC whose rule was applied. In the report both ends' last states stand as CLIENT|SERVER; "),
        bold("wireglass connection"),
        roman(" draws them beside every segment, in brackets where they are only implied."),
    ]);
    list(&mut page, "STATES", STATES.iter().map(|(state, meaning)| (name(*state), (*meaning).to_owned())));
    list(&mut page, "CERTAINTY", owned(CERTAINTIES));
    page.control("SH", ["TRANSITIONS"]);
    page.text(vec![roman(
        "Seen from one endpoint: the state before (- where the capture has not shown it), what happened, the state after, how sure that \
         is at once, the rule. What is not listed changes nothing.",
    )]);
    let before = std::iter::once(None).chain(STATES.iter().map(|(state, _)| Some(*state)));
    for state in before {
        for event in EVENTS {
            let Some(step) = next(state, event) else { continue };
            page.control("TP", []);
            let from = state.map_or_else(|| "-".to_owned(), name);
            page.text(vec![bold(format!("{from} → {}", name(step.to)))]);
            page.text(vec![
                roman(format!("{}; ", step.event)),
                italic(certainty(step.certainty)),
                roman(format!("; {}", step.rule)),
            ]);
        }
    }
    list(&mut page, "HOW CONNECTIONS END", owned(CLOSES));
    list(&mut page, "COMPLETENESS", owned(COMPLETENESS));
    page.control("SH", ["PHASES OF A TLS HANDSHAKE"]);
    for paragraph in PHASES {
        page.control("PP", []);
        page.text(vec![roman(*paragraph)]);
    }
    page.control("SH", ["SEE ALSO"]);
    page.text(vec![
        bold("wireglass"),
        roman("(1), "),
        bold("wireglass-connection"),
        roman("(1), "),
        bold("wireglass-records"),
        roman("(7), "),
        bold("wireglass-findings"),
        roman("(7)"),
    ]);
    page.render().into_bytes()
}

/// The words above are those of the records.
#[test]
fn all_words_of_the_records_are_explained() {
    let schema = wireglass::report::schema();
    let words = |name: &str| -> Vec<String> {
        let of = &schema["$defs"][name];
        let listed = of["enum"].as_array().cloned().unwrap_or_default();
        let described = of["oneOf"].as_array().cloned().unwrap_or_default();
        let consts =
            described.iter().flat_map(|one| one["enum"].as_array().cloned().unwrap_or(vec![one["const"].clone()]));
        listed.into_iter().chain(consts).map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    let of = |entries: &[(&str, &str)]| sorted(entries.iter().map(|(term, _)| (*term).to_owned()).collect());
    assert_eq!(sorted(words("CloseKind")), of(CLOSES));
    assert_eq!(sorted(words("Certainty")), of(CERTAINTIES));
    assert_eq!(sorted(words("TcpState")), sorted(STATES.iter().map(|(state, _)| name(*state)).collect()));
}
