//! What is typed or given as files: moments, sizes, lengths of time, names of flows, certificates, private keys; and the names of
//! files that are made of what a server says.
use std::collections::HashSet;

use super::{choices::Choices, text};
use crate::{
    app::tls::{private_key, trust::Trust},
    cli::{certificates::parse_moment, choice, object_names::Names, plan::parse_size, statistics::parse_interval},
    limits,
    record::{Record, Secrets},
    report::escape::is_hidden,
};

/// What is typed: understood or refused in one line, and what is understood means the same when it is written out.
pub fn arguments(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let text = text.as_ref();
    if let Ok(seconds) = parse_moment(text) {
        assert_eq!(parse_moment(&seconds.to_string()), Ok(seconds));
    }
    if let Ok(size) = parse_size(text) {
        assert_eq!(parse_size(&size.to_string()), Ok(size));
    }
    if let Ok(length) = parse_interval(text) {
        assert!(length > 0);
        let (seconds, rest) = (length / 1_000_000_000, length % 1_000_000_000);
        assert_eq!(parse_interval(&format!("{seconds}.{rest:09}s")), Ok(length));
    }
    if choice::Name::parse(text).is_ok()
        && let Some(id) = choice::flow_id(text)
    {
        assert_eq!(choice::flow_id(&id.to_string()), Some(id));
    }
}

/// A file of certificates: all that are counted are trusted, and refusals say why in words.
pub fn trust_pem(bytes: &[u8]) {
    let mut trust = Trust::default();
    match trust.add_pem(bytes, "given.pem") {
        Ok(count) => {
            assert!(count > 0 && trust.is_extended());
            assert_eq!(trust.anchors().len(), count);
            let mut again = Trust::default();
            assert_eq!(again.add_pem(bytes, "given.pem"), Ok(count));
        }
        Err(why) => {
            assert!(why.starts_with("given.pem: "), "{why}");
            assert!(!why.chars().any(is_hidden), "{why:?}");
        }
    }
}

/// A private key: whatever it is, it can be used without harm, and nothing of it shows.
pub fn rsa_key(bytes: &[u8]) {
    match private_key::read(bytes) {
        Ok(key) => {
            // What was not sealed with it gives nothing, or chance has it.
            let _ = (key.open(&[]), key.open(&bytes[..bytes.len().min(256)]));
            let mut secrets = Secrets::default();
            secrets.add_key(key);
            assert!(format!("{secrets:?}").len() < 100);
        }
        Err(error) => assert!(!error.to_string().chars().any(is_hidden)),
    }
}

/// Names of exported objects: safe on any file system and terminal, and one is free soon, even where letters of both cases are
/// the same.
pub fn object_names(bytes: &[u8]) {
    let mut next = Choices::new(bytes);
    let mut names = Names::default();
    let mut given = HashSet::new();
    while !next.is_empty() {
        let upload = next.once_in(2);
        let mut fields = [0; 4].map(|_: u8| {
            let length = usize::from(next.octet());
            String::from_utf8_lossy(next.take(length)).into_owned()
        });
        let [host, target, media, _] = &mut fields;
        let mut spare = String::new;
        let Some(Record::Http(mut http)) = text::records(&mut spare).into_iter().nth(1) else {
            panic!("HTTP comes second")
        };
        if let Some(request) = &mut http.request {
            (request.authority, request.target) = (Some(std::mem::take(host)), Some(std::mem::take(target)));
            request.content_type = Some(media.clone());
        }
        if let Some(response) = &mut http.response {
            response.content_type = Some(std::mem::take(media));
        }
        // As an export does: until one is free. A name may happen to look like another with a number.
        let wish = names.name(&http, upload);
        let mut tries = 0;
        let name = loop {
            let name = names.next(&wish);
            tries += 1;
            assert!(tries <= given.len() + 1, "{wish}: no name is found");
            if given.insert(name.to_ascii_lowercase()) {
                break name;
            }
        };
        assert!(!name.is_empty() && name.len() <= limits::MAX_OBJECT_NAME_BYTES + 21, "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)), "{name}");
        assert!(!name.starts_with(['.', '-']) && !name.ends_with('.') && !name.contains(".."), "{name}");
    }
}
