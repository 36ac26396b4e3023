//! Names of exported objects: made of host and path, safe on any file system and terminal, no two alike.
use std::collections::HashMap;

use crate::{limits::MAX_OBJECT_NAME_BYTES, record::Http};

/// Longest end of a name that is taken for what kind of file it is.
const MAX_EXTENSION_BYTES: usize = 10;

/// Names given so far.
#[derive(Debug, Default)]
pub struct Names {
    /// How often each was asked for.
    asked: HashMap<String, u64>,
}

impl Names {
    /// What an object of a transaction would be called, were it the only one. `upload`: it is the request's.
    pub fn name(&self, http: &Http, upload: bool) -> String {
        let request = http.request.as_ref();
        let target = request.and_then(|request| request.target.as_deref()).unwrap_or("");
        let path = without_origin(target);
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let host =
            request.and_then(|request| request.authority.clone()).unwrap_or_else(|| http.server.address.to_string());
        let media = match upload {
            true => request.and_then(|request| request.content_type.as_deref()),
            false => http.response.as_ref().and_then(|response| response.content_type.as_deref()),
        };
        let mut name = String::with_capacity(MAX_OBJECT_NAME_BYTES);
        if upload {
            name.push_str("upload_");
        }
        push_safe(&mut name, &host, 80);
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            name.push('_');
            push_safe(&mut name, segment, MAX_OBJECT_NAME_BYTES);
        }
        if path.is_empty() || path.ends_with('/') {
            name.push_str("_index");
        }
        if extension(&name, host_end(&name, upload)).is_none() {
            name.push_str(media.and_then(extension_of).unwrap_or_default());
        }
        shorten(name)
    }

    /// `name` when it is asked for first, then `name` with 2, 3, ... before its extension.
    pub fn next(&mut self, name: &str) -> String {
        let asked = self.asked.entry(name.to_owned()).or_default();
        *asked += 1;
        if *asked == 1 {
            return name.to_owned();
        }
        let end = extension(name, 0).map_or(name.len(), |extension| name.len() - extension.len());
        let (stem, extension) = name.split_at_checked(end).unwrap_or((name, ""));
        format!("{stem}-{asked}{extension}")
    }
}

/// Where the host's part of a name ends: its dots begin no extension.
fn host_end(name: &str, upload: bool) -> usize {
    let start = if upload { "upload_".len() } else { 0 };
    name.get(start..).and_then(|rest| rest.find('_')).map_or(name.len(), |place| start + place)
}

/// A target in absolute-form without scheme and authority.
fn without_origin(target: &str) -> &str {
    let Some((_, rest)) = target.split_once("://") else { return target };
    rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or_default()
}

/// Letters, digits, `.`, `-` and `_` of `text`, anything else as `_`: no separators, control or bidi characters, nothing
/// that a shell expands. A part never begins with `.`, `-` or `_`, and
/// never ends with a dot.
fn push_safe(name: &mut String, text: &str, most: usize) {
    let start = name.len();
    for letter in text.chars() {
        if name.len() - start >= most {
            break;
        }
        let safe = match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' => letter,
            '.' | '-' if name.len() > start => letter,
            _ => '_',
        };
        if safe == '_' && name.len() == start {
            continue;
        }
        // A run of what is not safe is one `_`, and so are dots in a row.
        let last = name.chars().next_back();
        if (safe == '_' || safe == '.') && last == Some(safe) {
            continue;
        }
        name.push(safe);
    }
    while name.len() > start && name.ends_with(['.', '_']) {
        name.pop();
    }
    if name.len() == start {
        name.push('x');
    }
}

/// `.html` of a name, if it looks like one and begins behind `from`.
fn extension(name: &str, from: usize) -> Option<&str> {
    let place = name.rfind('.').filter(|place| *place > from)?;
    let extension = name.get(place..)?;
    let length = extension.len() - 1;
    let letters = extension.bytes().skip(1).all(|byte| byte.is_ascii_alphanumeric());
    (length > 0 && length <= MAX_EXTENSION_BYTES && letters).then_some(extension)
}

/// Cuts a long name in front of its extension.
fn shorten(name: String) -> String {
    if name.len() <= MAX_OBJECT_NAME_BYTES {
        return name;
    }
    let extension = extension(&name, 0).unwrap_or_default();
    let stem = name.get(..MAX_OBJECT_NAME_BYTES - extension.len()).unwrap_or_default();
    format!("{}{extension}", stem.trim_end_matches(['.', '_']))
}

/// What files of a media type usually end in.
fn extension_of(media: &str) -> Option<&'static str> {
    let media = media.split(';').next()?.trim().to_ascii_lowercase();
    Some(match media.as_str() {
        "text/html" | "application/xhtml+xml" => ".html",
        "text/css" => ".css",
        "text/csv" => ".csv",
        "text/plain" => ".txt",
        "text/javascript" | "application/javascript" | "application/x-javascript" => ".js",
        "application/json" | "application/ld+json" | "application/problem+json" => ".json",
        "application/xml" | "text/xml" | "application/soap+xml" => ".xml",
        "application/pdf" => ".pdf",
        "application/zip" => ".zip",
        "application/gzip" | "application/x-gzip" => ".gz",
        "application/wasm" => ".wasm",
        "application/dns-message" | "application/octet-stream" => ".bin",
        "application/ocsp-request" => ".ors",
        "application/ocsp-response" => ".ocsp",
        "application/pkix-cert" => ".cer",
        "application/pkix-crl" => ".crl",
        "image/png" => ".png",
        "image/jpeg" => ".jpg",
        "image/gif" => ".gif",
        "image/webp" => ".webp",
        "image/avif" => ".avif",
        "image/svg+xml" => ".svg",
        "image/x-icon" | "image/vnd.microsoft.icon" => ".ico",
        "font/woff" => ".woff",
        "font/woff2" => ".woff2",
        "audio/mpeg" => ".mp3",
        "video/mp4" => ".mp4",
        "video/mp2t" => ".ts",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(text: &str) -> String {
        let mut name = String::new();
        push_safe(&mut name, text, 80);
        name
    }

    #[test]
    fn parts_are_safe() {
        assert_eq!(part("example.com:8080"), "example.com_8080");
        assert_eq!(part(".."), "x");
        assert_eq!(part("../../etc/passwd"), "etc_passwd");
        assert_eq!(part("a\u{202e}gpj.exe"), "a_gpj.exe");
        assert_eq!(part("-rf"), "rf");
        assert_eq!(part("a\n\u{1b}[31mb"), "a_31mb");
        assert_eq!(part("nul."), "nul");
        assert_eq!(part("[2001:db8::1]"), "2001_db8_1");
        assert_eq!(part(""), "x");
    }

    #[test]
    fn collisions_are_numbered_before_the_extension() {
        let mut names = Names::default();
        let given: Vec<_> = ["a.html", "a.html", "b", "a.html", "b"].map(|name| names.next(name)).into();
        assert_eq!(given, ["a.html", "a-2.html", "b", "a-3.html", "b-2"]);
    }

    #[test]
    fn long_names_keep_their_extension() {
        let name = shorten(format!("{}.tar.gz", "x".repeat(500)));
        assert_eq!((name.len(), name.ends_with(".gz")), (MAX_OBJECT_NAME_BYTES, true));
    }

    proptest! {
        #[test]
        fn any_text(text in any::<String>()) {
            let name = part(&text);
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
            prop_assert!(!name.starts_with(['.', '-', '_']) && !name.is_empty() && name.len() <= 80 && !name.contains(".."));
        }
    }
}
