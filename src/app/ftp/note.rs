//! What packets hold, on one line and by Wireshark's names.
use crate::app::codec::{draft::Draft, facts::text};

/// A command with its argument, as far as it may be shown.
pub(super) fn request(verb: &[u8], shown: &[u8], draft: &mut Draft) {
    draft.say_first(format!("Request: {} {}", text(verb), text(shown)).trim_end());
    draft.flag("ftp.request", true);
    draft.text("ftp.request.command", verb);
    if !shown.is_empty() {
        draft.text("ftp.request.arg", shown);
    }
}

/// A line of a reply, with its code where it has one.
pub(super) fn response(line: &[u8], read: Option<(u16, bool, &[u8])>, draft: &mut Draft) {
    draft.say_first(&format!("Response: {}", text(line)));
    draft.flag("ftp.response", true);
    match read {
        Some((code, _, said)) => {
            draft.number("ftp.response.code", code);
            draft.text("ftp.response.arg", said);
        }
        None => draft.text("ftp.response.arg", line),
    }
}
