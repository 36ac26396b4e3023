//! What a message of SNMP says on one line and as a layer, in Wireshark's words.
use super::parser::{Message, kind_name};
use crate::{
    app::{
        Sink,
        codec::facts::{Fields, add_all, hex, note, number, text, words},
    },
    record::Value,
};

/// The note; the community only where secrets are shown.
pub(super) fn say(message: &Message<'_>, out: &mut Sink<'_>) {
    if !out.wants_notes() {
        return;
    }
    let signed = |value: i64| u64::try_from(value).map_or_else(|_| words(value.to_string()), number);
    let mut fields: Fields = vec![("snmp.version", signed(message.version))];
    if let Some(community) = message.community {
        let shown = if out.shows_secrets() { text(community) } else { "(hidden)".to_owned() };
        fields.push(("snmp.community", words(shown)));
    }
    if let Some(secured) = &message.secured {
        fields.extend([
            ("snmp.msgID", signed(secured.id)),
            ("snmp.msgMaxSize", signed(secured.max_size)),
            ("snmp.msgFlags", words(hex(&[secured.flags]))),
            ("snmp.msgSecurityModel", signed(secured.model)),
            ("snmp.msgAuthoritativeEngineID", words(hex(secured.engine))),
            ("snmp.msgUserName", words(text(secured.user))),
        ]);
    }
    let mut info = String::new();
    match &message.data {
        Some(data) => {
            info.push_str(kind_name(data.kind));
            match &data.trap {
                Some((enterprise, kind, _)) => {
                    fields
                        .extend([("snmp.enterprise", words(enterprise.clone())), ("snmp.generic_trap", signed(*kind))]);
                    info.push_str(&format!(" {enterprise}"));
                }
                None => {
                    fields.push(("snmp.request_id", signed(data.request_id)));
                    if data.kind != 5 {
                        fields.push(("snmp.error_status", signed(data.error_status)));
                        fields.push(("snmp.error_index", signed(data.error_index)));
                    }
                }
            }
            let names: Vec<Value> = data.names.iter().map(|name| words(name.clone())).collect();
            add_all(&mut fields, "snmp.name", names);
            data.names.iter().for_each(|name| {
                info.push(' ');
                info.push_str(name);
            });
        }
        None if message.community.is_none() => info.push_str("encryptedPDU: privKey Unknown"),
        None => {}
    }
    if message.is_damaged {
        info.push_str(if info.is_empty() { "[Malformed Packet]" } else { " [Malformed Packet]" });
        fields.push(("_ws.malformed", words("the message ends early, or is not what it should be")));
    }
    note("snmp", info, fields, out);
}
