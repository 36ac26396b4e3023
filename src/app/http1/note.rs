//! What a packet that completes a head holds, by Wireshark's names.
use super::parser::Fields;
use crate::{
    app::{
        Note,
        codec::http::redact::{secrecy, value},
    },
    record::{HttpRequest, HttpResponse, Layer, Value},
};

/// Header fields that Wireshark names.
const NAMED: [(&str, &str); 25] = [
    ("host", "http.host"),
    ("user-agent", "http.user_agent"),
    ("content-type", "http.content_type"),
    ("content-length", "http.content_length_header"),
    ("content-encoding", "http.content_encoding"),
    ("transfer-encoding", "http.transfer_encoding"),
    ("connection", "http.connection"),
    ("cookie", "http.cookie"),
    ("set-cookie", "http.set_cookie"),
    ("authorization", "http.authorization"),
    ("proxy-authorization", "http.proxy_authorization"),
    ("proxy-authenticate", "http.proxy_authenticate"),
    ("www-authenticate", "http.www_authenticate"),
    ("accept", "http.accept"),
    ("accept-encoding", "http.accept_encoding"),
    ("accept-language", "http.accept_language"),
    ("referer", "http.referer"),
    ("location", "http.location"),
    ("server", "http.server"),
    ("date", "http.date"),
    ("last-modified", "http.last_modified"),
    ("cache-control", "http.cache_control"),
    ("upgrade", "http.upgrade"),
    ("x-forwarded-for", "http.x_forwarded_for"),
    ("sec-websocket-accept", "http.sec_websocket_accept"),
];

/// Of a request; `rest` are its field lines.
pub fn request(request: &HttpRequest, rest: &[u8]) -> Note {
    let version = format!("HTTP/{}", request.version);
    let (method, target) = (request.method.clone().unwrap_or_default(), request.target.clone().unwrap_or_default());
    let info = format!("{method} {target} {version}");
    let fields = vec![
        ("http.request", Value::Bool(true)),
        ("http.request.method", Value::Text(method)),
        ("http.request.uri", Value::Text(target)),
        ("http.request.version", Value::Text(version)),
    ];
    note(info, fields, rest)
}

/// Of a response; `rest` are its field lines.
pub fn response(response: &HttpResponse, rest: &[u8]) -> Note {
    let version = format!("HTTP/{}", response.version);
    let reason = response.reason.as_deref().unwrap_or_default();
    let status = response.status.unwrap_or_default();
    let mut info = format!("{version} {status} {reason}").trim_end().to_owned();
    if let Some(media) = response.content_type.as_deref().and_then(|kind| kind.split(';').next()) {
        info.push_str(" (");
        info.push_str(media.trim());
        info.push(')');
    }
    let mut fields = vec![
        ("http.response", Value::Bool(true)),
        ("http.response.version", Value::Text(version)),
        ("http.response.code", Value::Number(u64::from(status))),
    ];
    if !reason.is_empty() {
        fields.push(("http.response.phrase", Value::Text(reason.to_owned())));
    }
    note(info, fields, rest)
}

fn note(info: String, mut fields: Vec<(&'static str, Value)>, rest: &[u8]) -> Note {
    for field in Fields::new(rest) {
        let named = NAMED.iter().find(|(name, _)| field.name.eq_ignore_ascii_case(name.as_bytes()));
        let Some((_, name)) = named else { continue };
        let shown = Value::Text(value(field.value, secrecy(field.name)));
        match fields.iter_mut().find(|(other, _)| other == name) {
            Some((_, Value::List(values))) => values.push(shown),
            Some((_, first)) => {
                let one = std::mem::replace(first, Value::Bool(false));
                *first = Value::List(vec![one, shown]);
            }
            None => fields.push((name, shown)),
        }
    }
    Note::new(info, Layer { protocol: "http", osi: 7, unit: "message", offset: 0, length: 0, fields })
}
