//! What packets hold, by Wireshark's names.
use crate::{
    app::Note,
    record::{Endpoint, Layer, Value},
};

/// A header of the PROXY protocol.
pub fn header(version: u8, ends: Option<(Endpoint, Endpoint)>, said: &str) -> Note {
    let mut fields = vec![("proxy.version", Value::Number(u64::from(version)))];
    if let Some((from, to)) = ends {
        let address = |end: Endpoint, names: [&'static str; 2]| {
            let [v4, v6] = names;
            (if end.address.is_ipv4() { v4 } else { v6 }, Value::Text(end.address.to_string()))
        };
        fields.push(address(from, ["proxy.src.ipv4", "proxy.src.ipv6"]));
        fields.push(("proxy.srcport", Value::Number(u64::from(from.port))));
        fields.push(address(to, ["proxy.dst.ipv4", "proxy.dst.ipv6"]));
        fields.push(("proxy.dstport", Value::Number(u64::from(to.port))));
    }
    let layer = Layer { protocol: "proxy", osi: 7, unit: "header", offset: 0, length: 0, fields };
    Note::new(format!("PROXY v{version} {said}"), layer)
}
