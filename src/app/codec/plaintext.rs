//! The finding that a password travels in the clear.
use crate::{
    app::{Carrier, Sink},
    record::{Context, Evidence, Finding, PacketRef, Severity, Subject},
};

/// Reports it, where nothing around the flow encrypts. `how` completes "A password for SMTP travels in the clear", such as
/// `(AUTH PLAIN)`; `instead` says what to use.
pub fn credentials(
    (carrier, title): (Carrier, &str),
    how: &str,
    instead: &str,
    packet: PacketRef,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    if carrier != Carrier::Tcp {
        return;
    }
    out.finding(Finding {
        subject: Subject::new(context.flow.id, Evidence::from_iter([packet.number])),
        client: Some(context.flow.client),
        server: Some(context.flow.server),
        severity: Severity::Warning,
        code: "application.plaintext-credentials",
        title: format!("A password for {title} travels in the clear ({how})"),
        explanation: format!("Whoever can read the way between both ends has it. {instead}"),
        reference: Some("RFC 8314 3"),
    });
}
