//! Going over to TLS on a connection that began in the clear: what both ends said of it, where TLS begins, and what is worth
//! telling about it.
use crate::{
    app::Sink,
    record::{Context, Evidence, Finding, PacketRef, Severity, Subject},
};

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nobody asked for TLS.
    #[default]
    Plain,
    /// The client asked, with this packet.
    Asked(PacketRef),
    /// The server agreed.
    Agreed,
    /// The server refused.
    Refused,
}

/// What was said of TLS.
#[derive(Clone, Copy, Debug, Default)]
pub struct StartTls {
    stage: Stage,
    /// The server offers it.
    pub offered: bool,
    used: bool,
}

impl StartTls {
    /// The client asks for TLS.
    pub fn ask(&mut self, packet: PacketRef) {
        self.stage = Stage::Asked(packet);
    }

    /// Whether an answer is awaited.
    pub fn is_asked(&self) -> bool {
        matches!(self.stage, Stage::Asked(_))
    }

    /// The server agrees.
    pub fn agree(&mut self) {
        self.stage = Stage::Agreed;
    }

    /// The server refuses. `title` names the protocol.
    pub fn refuse(&mut self, title: &str, packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        let asked = match std::mem::replace(&mut self.stage, Stage::Refused) {
            Stage::Asked(asked) => Some(asked),
            _ => None,
        };
        let said = (
            format!("The {title} server refused to go over to TLS"),
            "What follows on this connection is in the clear, passwords included, unless the client stops \
                           here. Somebody on the way can forge such a refusal."
                .to_owned(),
        );
        finding(out, context, (Severity::Warning, "starttls.refused"), asked.into_iter().chain([packet]), said);
    }

    /// TLS begins. `title` names a protocol where this must be asked for.
    pub fn begin(&mut self, title: Option<&str>, hello: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        self.used = true;
        let Some(title) = title.filter(|_| matches!(self.stage, Stage::Plain | Stage::Refused)) else { return };
        let said = (
            format!("The client began with TLS on a port that speaks plain {title}"),
            "The server greeted in the clear, and nobody asked for TLS. Use STARTTLS here, or the port \
                           where TLS comes first."
                .to_owned(),
        );
        finding(out, context, (Severity::Error, "starttls.not-asked"), [hello], said);
    }

    /// What there is to say of it, as a fact.
    pub fn fact(&self) -> Option<&'static str> {
        match self.stage {
            _ if self.used => Some("used"),
            Stage::Asked(_) => Some("asked for, no answer seen"),
            Stage::Agreed => Some("agreed"),
            Stage::Refused => Some("refused"),
            Stage::Plain if self.offered => Some("offered, not used"),
            Stage::Plain => None,
        }
    }
}

/// Whether a TLS ClientHello begins here; null when there are too few bytes to tell.
pub fn is_client_hello(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [22, 3, 0..=4, _, _, kind, ..] => Some(*kind == 1),
        [] | [22] | [22, 3] | [22, 3, 0..=4] | [22, 3, 0..=4, _] | [22, 3, 0..=4, _, _] => None,
        _ => Some(false),
    }
}

fn finding(
    out: &mut Sink<'_>,
    context: &Context<'_>,
    (severity, code): (Severity, &'static str),
    packets: impl IntoIterator<Item = PacketRef>,
    (title, explanation): (String, String),
) {
    let evidence: Evidence = packets.into_iter().map(|packet| packet.number).collect();
    out.finding(Finding {
        subject: Subject::new(context.flow.id, evidence),
        client: Some(context.flow.client),
        server: Some(context.flow.server),
        severity,
        code,
        title,
        explanation,
        reference: Some("RFC 7817 2"),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hellos() {
        assert_eq!(is_client_hello(&[22, 3, 1, 2, 0, 1]), Some(true));
        assert_eq!(is_client_hello(&[22, 3]), None);
        assert_eq!(is_client_hello(b"EHLO x\r\n"), Some(false));
    }

    #[test]
    fn facts() {
        let mut tls = StartTls::default();
        assert_eq!(tls.fact(), None);
        tls.offered = true;
        assert_eq!(tls.fact(), Some("offered, not used"));
        tls.ask(PacketRef::default());
        assert_eq!((tls.fact(), tls.is_asked()), (Some("asked for, no answer seen"), true));
        tls.agree();
        assert_eq!((tls.fact(), tls.is_asked()), (Some("agreed"), false));
    }
}
