//! Records over TCP that keys open: what was inside takes the way of readable records, and application data go on as a
//! stream of their own.
use super::{
    content_stream::ContentStream,
    conversation::Message,
    decryption::{Decryption, Opened},
    record_layer::{HEADER_BYTES, Header, content},
    record_protection::Sealed,
    session::{Place, TlsSession, is_new_hello},
};
use crate::{
    app::Sink,
    record::{Context, Direction, PacketRef},
};

/// What it takes to open records, and what comes out.
pub(super) struct Decrypted {
    pub(super) decryption: Decryption,
    pub(super) content: ContentStream,
}

impl TlsSession {
    /// Opens a record for which there are keys. False when it is to be treated as one that has none.
    pub(super) fn open(
        &mut self,
        direction: Direction,
        header: Header,
        bytes: &[u8],
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> bool {
        let (Some(decrypted), Some((start, fragment))) = (&mut self.decrypted, bytes.split_at_checked(HEADER_BYTES))
        else {
            return false;
        };
        let Header { content_type, version, .. } = header;
        if content_type == content::HANDSHAKE && is_new_hello(header, fragment) {
            return false;
        }
        let sealed = Sealed { content_type, version, number: 0, fragment, header: start };
        let Some(opened) = decrypted.decryption.open(direction, sealed, packet) else {
            decrypted.content.lost(direction, fragment.len(), out);
            self.conversation.protected(direction, (content_type, header.length), packet, context, out);
            self.report(direction, header.into(), Vec::new(), None, true, packet, context, out);
            return true;
        };
        let content = decrypted.decryption.take_content();
        self.opened(direction, header, opened, &content, packet, context, out);
        if let Some(decrypted) = &mut self.decrypted {
            decrypted.decryption.give_back(content);
            let Decrypted { decryption, content } = decrypted.as_mut();
            content.settle_early(decryption.early_accepted(), out);
        }
        true
    }

    /// The content of a record.
    #[allow(clippy::too_many_arguments)] // a record, and what surrounds it
    fn opened(
        &mut self,
        direction: Direction,
        header: Header,
        opened: Opened,
        content: &[u8],
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let inside = Header { content_type: opened.content_type, ..header };
        match (opened.content_type, content) {
            (content::HANDSHAKE, _) => {
                self.conversation.decrypted(direction);
                self.handshake(direction, inside, (content, Place::Of(packet)), context, out);
            }
            (content::ALERT, &[_, _]) => {
                self.conversation.decrypted(direction);
                self.alert(direction, inside, content, packet, context, out);
            }
            (content::APPLICATION_DATA, _) => {
                self.conversation.application_data(direction, opened.early, packet, context);
                self.report(direction, inside.into(), Vec::new(), None, true, packet, context, out);
                if let Some(decrypted) = &mut self.decrypted {
                    decrypted.content.data(direction, opened.early, content, packet, out);
                }
            }
            _ => self.report(direction, inside.into(), Vec::new(), None, false, packet, context, out),
        }
    }

    /// A handshake message, whole.
    pub(super) fn message(&mut self, message: Message<'_>, context: &Context<'_>, out: &mut Sink<'_>) {
        if !context.secrets.is_none() {
            let decrypted = self.decrypted.get_or_insert_with(|| {
                Box::new(Decrypted { decryption: Decryption::new(false), content: ContentStream::default() })
            });
            let Message { direction, kind, body, packet, .. } = message;
            let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
            let [_, high, middle, low] = length;
            let header = [kind, high, middle, low];
            decrypted.decryption.message(direction, (kind, &header, body), context.secrets, packet);
        }
        self.conversation.message(message, context, out);
    }
}
