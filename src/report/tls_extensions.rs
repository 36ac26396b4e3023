//! What TLS extensions say, in words: for the page of one connection and the table of messages. Not escaped.
use crate::{
    record::{
        ExtensionDetail, ExtensionValue, KeyShare, NamedNumber, PskIdentity, Record, TlsExtensions, TransportParameter,
    },
    report::units,
};

/// The messages with extensions among a flow's records, in order.
pub fn messages(records: &[Record]) -> impl Iterator<Item = &TlsExtensions> {
    records
        .iter()
        .filter_map(|record| if let Record::TlsExtensions(message) = record { Some(message.as_ref()) } else { None })
}

/// What an extension says.
#[must_use]
pub fn words(detail: &ExtensionDetail) -> String {
    if let Some(expected) = detail.malformed {
        return format!("malformed: {} instead of {expected}", bytes(detail.length.into()));
    }
    match &detail.value {
        Some(value) => of_value(value),
        None if detail.length == 0 => "empty".to_owned(),
        None => bytes(detail.length.into()),
    }
}

fn bytes(length: u64) -> String {
    units::counted(length, "byte")
}

fn names(numbers: &[NamedNumber]) -> String {
    joined(numbers.iter().map(|number| number.name.as_str()))
}

fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

fn of_value(value: &ExtensionValue) -> String {
    match value {
        ExtensionValue::Present(_) => "yes".to_owned(),
        ExtensionValue::Numbers(numbers) => names(numbers),
        ExtensionValue::Texts(texts) => joined(texts.iter().map(String::as_str)),
        ExtensionValue::KeyShares(shares) => shares.iter().map(key_share).collect::<Vec<_>>().join(", "),
        ExtensionValue::ServerName { host_names, outer } => {
            let outer = if *outer { " (outer name: the hello carries an encrypted one)" } else { "" };
            format!("{}{outer}", joined(host_names.iter().map(String::as_str)))
        }
        ExtensionValue::OfferedPsks { identities, binders } => offered(identities, binders),
        ExtensionValue::SelectedPsk { selected_identity } => format!("key {selected_identity} of those offered"),
        ExtensionValue::Opaque { bytes: 0, items: None } => "empty".to_owned(),
        ExtensionValue::Opaque { bytes: length, items: None } => bytes(*length),
        ExtensionValue::Opaque { bytes: length, items: Some(items) } => {
            format!("{}, {}", units::counted(*items, "item"), bytes(*length))
        }
        ExtensionValue::Limit { bytes: limit } => format!("at most {}", bytes((*limit).into())),
        ExtensionValue::StatusRequests(requests) => joined(requests.iter().map(|request| request.status_type.as_str())),
        ExtensionValue::Authorities { names, names_total } => {
            let shown = names.iter().take(3).map(String::as_str).collect::<Vec<_>>().join("; ");
            let more = if *names_total > 3 { "; …" } else { "" };
            format!("{}: {shown}{more}", units::counted(*names_total, "name"))
        }
        ExtensionValue::Srtp { profiles, .. } => names(profiles),
        ExtensionValue::EncryptedClientHello { config_id, kdf, aead, payload_length, .. } => format!(
            "outer, for configuration {config_id}: {} with {} and {}; perhaps GREASE",
            bytes((*payload_length).into()),
            kdf.name,
            aead.name
        ),
        ExtensionValue::InnerClientHello { .. } => "inner".to_owned(),
        ExtensionValue::RetryConfigs { retry_configs } => {
            let names = joined(retry_configs.iter().filter_map(|config| config.public_name.as_deref()));
            format!("{} to try again with: {names}", units::counted(retry_configs.len() as u64, "configuration"))
        }
        ExtensionValue::TransportParameters(parameters) => {
            parameters.iter().map(parameter).collect::<Vec<_>>().join(", ")
        }
        ExtensionValue::TicketRequest { new_session_count, resumption_count } => {
            format!("{new_session_count} after a full handshake, {resumption_count} after a resumption")
        }
    }
}

fn key_share(share: &KeyShare) -> String {
    match share.length {
        Some(length) => format!("{} ({})", share.name, bytes(length.into())),
        None => share.name.clone(),
    }
}

fn offered(identities: &[PskIdentity], binders: &[u8]) -> String {
    let keys = identities.iter().zip(binders).map(|(identity, binder)| {
        format!("{} with a binder of {}", bytes(identity.length.into()), bytes((*binder).into()))
    });
    keys.collect::<Vec<_>>().join(", ")
}

fn parameter(parameter: &TransportParameter) -> String {
    match (parameter.number, &parameter.text) {
        (Some(number), _) => format!("{} {number}", parameter.name),
        (None, Some(text)) => format!("{} {}", parameter.name, if text.is_empty() { "empty" } else { text }),
        (None, None) if parameter.length == 0 => parameter.name.clone(),
        (None, None) => format!("{} ({})", parameter.name, bytes(parameter.length)),
    }
}
