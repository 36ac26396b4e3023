//! What the fields of a transaction mean (RFC 9110, RFC 9111, RFC 6265): redirects, caches, cookies, proxies. Read once, when
//! the transaction is complete; nothing is allocated for what is absent.
use crate::{
    limits::MAX_HTTP_COOKIES,
    record::{
        Http, HttpCache, HttpCookie, HttpMeaning, HttpProxy, HttpRedirect, HttpRequest, HttpResponse, HttpSetCookie,
        is_absolute_url, normal_url,
    },
};

/// Fills in what header fields say.
pub fn annotate(http: &mut Http) {
    let meaning = &mut http.meaning;
    if let Some(request) = &http.request {
        of_request(request, meaning);
    }
    if let Some(response) = &http.response {
        of_response(response, http.request.as_ref(), meaning);
    }
}

fn of_request(request: &HttpRequest, meaning: &mut HttpMeaning) {
    let method = request.method.as_deref().unwrap_or_default();
    (meaning.method_safe, meaning.method_idempotent) = match method {
        "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PROPFIND" | "REPORT" | "SEARCH" | "QUERY" => (Some(true), Some(true)),
        "PUT" | "DELETE" | "PROPPATCH" | "MKCOL" | "COPY" | "MOVE" | "UNLOCK" => (Some(false), Some(true)),
        "POST" | "PATCH" | "CONNECT" | "LOCK" => (Some(false), Some(false)),
        _ => (None, None),
    };
    if method == "CONNECT" {
        proxy(meaning).server = Some("tunnel");
    } else if request.version != "2" && request.target.as_deref().is_some_and(is_absolute_url) {
        proxy(meaning).server = Some("forward");
    }
    for (name, value) in &request.headers {
        match name.len() {
            3 if is(name, "via") => {
                let proxy = proxy(meaning);
                proxy.client_is_proxy = true;
                proxy.via.extend(list(value));
            }
            6 if is(name, "cookie") => cookies(value, &mut meaning.cookies_sent),
            8 if is(name, "if-match") => cache(meaning).conditions.push("If-Match"),
            8 if is(name, "if-range") => cache(meaning).conditions.push("If-Range"),
            9 if is(name, "forwarded") => forwarded(value, proxy(meaning)),
            9 if is(name, "x-real-ip") => {
                let proxy = proxy(meaning);
                proxy.client_is_proxy = true;
                if proxy.forwarded_for.is_empty() {
                    proxy.forwarded_for.push(value.clone());
                }
            }
            13 if is(name, "if-none-match") => cache(meaning).conditions.push("If-None-Match"),
            13 if is(name, "cache-control") => add(&mut cache(meaning).request_control, value),
            15 if is(name, "x-forwarded-for") => {
                let proxy = proxy(meaning);
                proxy.client_is_proxy = true;
                // It names all that X-Real-IP and Forwarded do, in the same order.
                let named: Vec<_> = list(value).collect();
                if named.len() > proxy.forwarded_for.len() {
                    proxy.forwarded_for = named;
                }
            }
            16 if is(name, "x-forwarded-host") => add(&mut proxy(meaning).forwarded_host, value),
            17 if is(name, "x-forwarded-proto") => add(&mut proxy(meaning).forwarded_proto, value),
            17 if is(name, "if-modified-since") => cache(meaning).conditions.push("If-Modified-Since"),
            19 if is(name, "if-unmodified-since") => cache(meaning).conditions.push("If-Unmodified-Since"),
            _ => {}
        }
    }
}

fn of_response(response: &HttpResponse, request: Option<&HttpRequest>, meaning: &mut HttpMeaning) {
    let status = response.status.unwrap_or_default();
    let mut told = None;
    for (name, value) in &response.headers {
        match name.len() {
            3 if is(name, "age") => cache(meaning).age_seconds = value.trim().parse().ok(),
            3 if is(name, "via") => proxy(meaning).response_via.extend(list(value)),
            4 if is(name, "etag") => add(&mut cache(meaning).etag, value),
            4 if is(name, "vary") => add(&mut cache(meaning).vary, value),
            7 if is(name, "expires") => add(&mut cache(meaning).expires, value),
            7 if is(name, "x-cache") => told = told.or(hit_or_miss(value).map(|what| (what, "X-Cache"))),
            8 if is(name, "location") && matches!(status, 300..=303 | 305..=308) => {
                meaning.redirect = Some(HttpRedirect {
                    location: value.clone(),
                    url: request.and_then(HttpRequest::url).and_then(|base| resolve(&base, value)),
                    permanent: matches!(status, 301 | 308),
                });
            }
            10 if is(name, "set-cookie") => set_cookie(value, &mut meaning.cookies_set),
            12 if is(name, "cache-status") => told = told.or(cache_status(value).map(|what| (what, "Cache-Status"))),
            13 if is(name, "cache-control") => add(&mut cache(meaning).control, value),
            13 if is(name, "last-modified") => add(&mut cache(meaning).last_modified, value),
            14 if is(name, "x-cache-status") => {
                told = told.or(hit_or_miss(value).map(|what| (what, "X-Cache-Status")));
            }
            15 if is(name, "cf-cache-status") => {
                told = told.or(hit_or_miss(value).map(|what| (what, "CF-Cache-Status")));
            }
            _ => {}
        }
    }
    if let Some((what, by)) = told {
        let cache = cache(meaning);
        (cache.outcome, cache.outcome_by) = (Some(what), Some(by));
    }
    if let Some(cache) = &mut meaning.cache {
        if status == 304 && !cache.conditions.is_empty() {
            (cache.outcome, cache.outcome_by) = (Some("revalidated"), Some("304"));
        } else if cache.outcome.is_none() && cache.age_seconds.is_some() {
            // Only a cache adds it (RFC 9111 5.1); 0 may have been revalidated just now.
            (cache.outcome, cache.outcome_by) = (Some("hit"), Some("Age"));
        }
    }
    let fails_behind = matches!(status, 502 | 504);
    if fails_behind || meaning.proxy.as_ref().is_some_and(|proxy| !proxy.response_via.is_empty()) {
        proxy(meaning).server.get_or_insert("gateway");
    }
}

fn is(name: &str, wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted)
}

fn cache(meaning: &mut HttpMeaning) -> &mut HttpCache {
    meaning.cache.get_or_insert_default()
}

fn proxy(meaning: &mut HttpMeaning) -> &mut HttpProxy {
    meaning.proxy.get_or_insert_default()
}

/// Several lines of a field are one list (RFC 9110 5.3).
fn add(place: &mut Option<String>, value: &str) {
    match place {
        None => *place = Some(value.to_owned()),
        Some(text) => {
            text.push_str(", ");
            text.push_str(value);
        }
    }
}

fn list(value: &str) -> impl Iterator<Item = String> {
    value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned)
}

/// `HIT`, `TCP_MEM_HIT from cache`, `MISS`, `EXPIRED`.
fn hit_or_miss(value: &str) -> Option<&'static str> {
    let value = value.to_ascii_lowercase();
    // Several caches in a row: the last one is nearest the client.
    let last = value.rsplit(',').next().unwrap_or_default();
    if last.contains("hit") || last.contains("stale") || last.contains("revalidated") || last.contains("updating") {
        return Some("hit");
    }
    (["miss", "expired", "bypass", "dynamic"].iter().any(|word| last.contains(word))).then_some("miss")
}

/// `ExampleCache; hit` or `...; fwd=miss` (RFC 9211); the last member is the nearest cache.
fn cache_status(value: &str) -> Option<&'static str> {
    let last = value.rsplit(',').next().unwrap_or_default();
    let mut parameters = last.split(';').skip(1).map(str::trim);
    parameters.find_map(|parameter| match parameter {
        "hit" => Some("hit"),
        _ if parameter.starts_with("fwd") => Some("miss"),
        _ => None,
    })
}

fn cookies(value: &str, into: &mut Vec<HttpCookie>) {
    for pair in value.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
        if into.len() >= MAX_HTTP_COOKIES {
            return;
        }
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        into.push(HttpCookie { name: name.to_owned(), value: value.to_owned(), set_by: None });
    }
}

fn set_cookie(value: &str, into: &mut Vec<HttpSetCookie>) {
    if into.len() >= MAX_HTTP_COOKIES {
        return;
    }
    let mut parts = value.split(';').map(str::trim);
    let pair = parts.next().unwrap_or_default();
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    let mut cookie = HttpSetCookie { name: name.to_owned(), value: value.to_owned(), ..HttpSetCookie::default() };
    for attribute in parts {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let text = || Some(value.trim().to_owned());
        match name.trim() {
            name if is(name, "expires") => cookie.expires = text(),
            name if is(name, "max-age") => cookie.max_age_seconds = value.trim().parse().ok(),
            name if is(name, "domain") => cookie.domain = text(),
            name if is(name, "path") => cookie.path = text(),
            name if is(name, "samesite") => cookie.same_site = text(),
            name if is(name, "secure") => cookie.secure = true,
            name if is(name, "httponly") => cookie.http_only = true,
            _ => {}
        }
    }
    cookie.session = cookie.expires.is_none() && cookie.max_age_seconds.is_none();
    into.push(cookie);
}

/// RFC 7239 4: `for=192.0.2.43;proto=https, for="[2001:db8::17]:4711"`.
fn forwarded(value: &str, proxy: &mut HttpProxy) {
    proxy.client_is_proxy = true;
    let mut named = Vec::new();
    for element in value.split(',') {
        for pair in element.split(';') {
            let Some((name, value)) = pair.trim().split_once('=') else { continue };
            let value = value.trim().trim_matches('"');
            match name.trim() {
                name if is(name, "for") => named.push(value.to_owned()),
                name if is(name, "host") => {
                    proxy.forwarded_host.get_or_insert_with(|| value.to_owned());
                }
                name if is(name, "proto") => {
                    proxy.forwarded_proto.get_or_insert_with(|| value.to_owned());
                }
                _ => {}
            }
        }
    }
    if named.len() > proxy.forwarded_for.len() {
        proxy.forwarded_for = named;
    }
}

/// A reference against a base (RFC 3986 5.2).
fn resolve(base: &str, reference: &str) -> Option<String> {
    let reference = reference.trim();
    if is_absolute_url(reference) {
        return Some(normal_url(reference));
    }
    let (scheme, rest) = base.split_once("://")?;
    if reference.starts_with("//") {
        return Some(normal_url(&format!("{scheme}:{reference}")));
    }
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let path = path.split('?').next().unwrap_or_default();
    let merged = match reference.chars().next() {
        None | Some('#') => return Some(base.to_owned()),
        Some('/') => reference.to_owned(),
        Some('?') => format!("{path}{reference}"),
        Some(_) => {
            let folder = path.rfind('/').and_then(|slash| path.get(..=slash)).unwrap_or("/");
            format!("{folder}{reference}")
        }
    };
    let (path, query) = match merged.find('?') {
        Some(mark) => merged.split_at_checked(mark)?,
        None => (merged.as_str(), ""),
    };
    Some(normal_url(&format!("{scheme}://{authority}{}{query}", without_dots(path))))
}

/// RFC 3986 5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part {
            "." | ".." => {
                if part == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            part => kept.push(part),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved() {
        // RFC 3986 5.4.1, the examples that a Location may be.
        let base = "http://a/b/c/d;p?q";
        for (reference, url) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("g#s", "http://a/b/c/g"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../../g", "http://a/g"),
            ("HTTPS://B.example:443", "https://b.example/"),
        ] {
            assert_eq!(resolve(base, reference).as_deref(), Some(url), "{reference}");
        }
    }

    #[test]
    fn cookies_with_their_attributes() {
        let mut set = Vec::new();
        set_cookie("sid=sha256:00; Path=/; HttpOnly; Secure; SameSite=Lax", &mut set);
        set_cookie("id=1; max-age=3600; Domain=.a.example; Expires=Sun, 22 Nov 2026 00:00:00 GMT", &mut set);
        assert!(set[0].session && set[0].http_only && set[0].secure && !set[1].session);
        assert_eq!((set[0].path.as_deref(), set[0].same_site.as_deref()), (Some("/"), Some("Lax")));
        assert_eq!((set[1].max_age_seconds, set[1].domain.as_deref()), (Some(3600), Some(".a.example")));
        let mut sent = Vec::new();
        cookies("a=1; b=2=3;c", &mut sent);
        let sent: Vec<_> = sent.iter().map(|cookie| (cookie.name.as_str(), cookie.value.as_str())).collect();
        assert_eq!(sent, [("a", "1"), ("b", "2=3"), ("", "c")]);
    }

    #[test]
    fn caches_tell_in_many_ways() {
        assert_eq!(hit_or_miss("TCP_HIT from squid"), Some("hit"));
        assert_eq!(hit_or_miss("HIT, MISS"), Some("miss"));
        assert_eq!(hit_or_miss("none"), None);
        assert_eq!(cache_status("origin; fwd=uri-miss, edge; hit; ttl=376"), Some("hit"));
        assert_eq!(cache_status("edge; fwd=stale; fwd-status=304"), Some("miss"));
    }

    /// RFC 7239 4.
    #[test]
    fn forwarded_elements() {
        let mut proxy = HttpProxy::default();
        forwarded("for=192.0.2.43;proto=https;host=a.example, for=\"[2001:db8:cafe::17]:4711\"", &mut proxy);
        assert_eq!(proxy.forwarded_for, ["192.0.2.43", "[2001:db8:cafe::17]:4711"]);
        assert_eq!(
            (proxy.forwarded_proto.as_deref(), proxy.forwarded_host.as_deref()),
            (Some("https"), Some("a.example"))
        );
    }
}
