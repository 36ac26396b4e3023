//! What stands in the last column of the table of HTTP transactions: how one belongs to others, and what is peculiar.
use crate::{
    record::{Http, HttpLink},
    report::units,
};

/// Waits behind an earlier response that are shorter, in nanoseconds, are not worth a word.
const WORTH_SAYING_NS: i64 = 1_000_000;

/// In words, unescaped; empty when there is nothing to say.
pub fn notes(http: &Http) -> String {
    let meaning = &http.meaning;
    let mut notes = Vec::new();
    notes.extend(meaning.redirect.as_ref().map(|redirect| {
        let url = redirect.url.as_deref().unwrap_or(&redirect.location);
        format!("→ {url}")
    }));
    let link = |words: &str, link: &HttpLink| format!("{words} #{}", link.packet);
    notes.extend(meaning.redirected_from.as_ref().map(|from| link("redirected by", from)));
    notes.extend(meaning.retry_of.as_ref().map(|first| link("again, after", first)));
    notes.extend(meaning.upgraded_from.as_ref().map(|from| link("h2c, asked in", from)));
    notes.extend(meaning.forwarded_as.iter().take(2).map(|on| link("passed on as", on)));
    notes.extend(meaning.forwarded_from.as_ref().map(|from| link("for", from)));
    let outcome = meaning.cache.as_ref().and_then(|cache| cache.outcome);
    notes.extend(outcome.map(|outcome| match outcome {
        "revalidated" => "cache is still good".to_owned(),
        other => format!("cache {other}"),
    }));
    let queued = meaning.queued_ns.filter(|ns| *ns >= WORTH_SAYING_NS);
    notes.extend(queued.map(|ns| format!("in line for {}", units::duration(ns))));
    notes.extend(http.reset.as_ref().filter(|reset| reset.code != 0).map(|reset| match reset.name {
        Some(name) => format!("reset: {name}"),
        None => format!("reset: {}", reset.code),
    }));
    notes.extend(http.grpc_status.filter(|status| *status != 0).map(|status| format!("gRPC status {status}")));
    let session = meaning.cookies_set.iter().filter(|cookie| cookie.session).count();
    match (meaning.cookies_set.as_slice(), session) {
        ([], _) => {}
        ([one], 1) => notes.push(format!("sets session cookie {}", one.name)),
        ([one], _) => notes.push(format!("sets cookie {}", one.name)),
        (several, _) => notes.push(format!("sets {} cookies", several.len())),
    }
    notes.join(" · ")
}
