//! Flows inside a flow: bytes that a session decrypted or unwrapped, put in order and read as streams of their own.
use super::{consumer::Outlet, conversation::Conversation, follow::pieces};
use crate::{
    app::Carrier,
    flow::stream::Stream,
    limits,
    record::{Content, Context, Direction, EndCause, Input, Notice, Origin, PacketRef, Progress, Underway},
};

/// The inner streams of one flow.
#[derive(Default)]
pub struct Inner {
    channels: Vec<Channel>,
}

struct Channel {
    id: u64,
    streams: [Stream; 2],
    conversation: Conversation,
}

impl Inner {
    /// Adds bytes of channel `id` at `offset` of its stream in `direction`. Channels beyond the cap are left out.
    #[allow(clippy::too_many_arguments)] // they are the fields of one `Said::Inner`, and what surrounds it
    pub fn insert(
        &mut self,
        id: u64,
        carrier: Carrier,
        direction: Direction,
        offset: u64,
        (bytes, packet): (&[u8], PacketRef),
        context: &Context<'_>,
        outlet: &mut Outlet,
    ) {
        let place = match self.channels.iter().position(|channel| channel.id == id) {
            Some(place) => place,
            None if self.channels.len() < limits::MAX_INNER_CHANNELS => {
                let streams = Direction::BOTH.map(|direction| Stream::new(direction, true));
                self.channels.push(Channel { id, streams, conversation: Conversation::new(carrier) });
                self.channels.len() - 1
            }
            None => {
                outlet.limit(&limits::INNER_STREAMS, context.packet);
                return;
            }
        };
        let Some(Channel { streams, conversation, .. }) = self.channels.get_mut(place) else { return };
        // Bytes that are read where they lie have no origins of their own: they are this packet's.
        let own = [Origin { offset: 0, packet }];
        let mut read = |input: Input<'_>, origins: &[_], from_start| {
            let origins = if origins.is_empty() { &own[..] } else { origins };
            let inside = Context { origins, from_start, ..*context };
            conversation.input(input, &inside, outlet)
        };
        streams[direction.index()].insert(offset, bytes, packet, &mut read);
        if streams[direction.index()].take_overflow() {
            outlet.limit(&limits::INNER_STREAMS, context.packet);
        }
        if conversation.take_reoffer() {
            let mut read = |input: Input<'_>, origins: &[_], from_start| {
                let inside = Context { origins, from_start, ..*context };
                conversation.input(input, &inside, outlet)
            };
            streams[direction.reverse().index()].offer_again(context.packet, &mut read);
        }
    }

    /// Bytes of a channel before `offset` will not come any more.
    pub fn give_up_before(
        &mut self,
        id: u64,
        direction: Direction,
        offset: u64,
        context: &Context<'_>,
        outlet: &mut Outlet,
    ) {
        let Some(Channel { streams, conversation, .. }) = self.channels.iter_mut().find(|channel| channel.id == id)
        else {
            return;
        };
        let mut read = |input: Input<'_>, origins: &[_], from_start| {
            let inside = Context { origins, from_start, ..*context };
            conversation.input(input, &inside, outlet)
        };
        streams[direction.index()].give_up_before(offset, context.packet, &mut read);
    }

    /// Something happened around a channel.
    pub fn notice(&mut self, id: u64, notice: &Notice, context: &Context<'_>, outlet: &mut Outlet) {
        if let Some(channel) = self.channels.iter_mut().find(|channel| channel.id == id) {
            channel.conversation.notice(notice, context, outlet);
        }
    }

    /// What one of them is in the middle of.
    pub fn underway(&self) -> Option<Underway> {
        self.channels.iter().rev().find_map(|channel| channel.conversation.underway())
    }

    /// A direction of the flow around them ended, and theirs with it.
    pub fn end(&mut self, direction: Direction, cause: EndCause, context: &Context<'_>, outlet: &mut Outlet) {
        for Channel { streams, conversation, .. } in &mut self.channels {
            let mut read = |input: Input<'_>, origins: &[_], from_start| {
                let inside = Context { origins, from_start, ..*context };
                conversation.input(input, &inside, outlet)
            };
            let stream = &mut streams[direction.index()];
            match cause {
                EndCause::Fin => stream.finish_at(stream.next(), context.packet, &mut read),
                EndCause::Reset => stream.reset(context.packet, &mut read),
            }
        }
    }

    /// The flow around them is over.
    pub fn close(&mut self, context: &Context<'_>, outlet: &mut Outlet) {
        for Channel { streams, conversation, .. } in &mut self.channels {
            let mut read = |input: Input<'_>, origins: &[_], from_start| {
                let inside = Context { origins, from_start, ..*context };
                conversation.input(input, &inside, outlet)
            };
            streams.iter_mut().for_each(|stream| stream.flush(context.packet, &mut read));
            conversation.input(Input::Close, context, outlet);
        }
    }
}

/// Bytes that secrets opened, or a hole in them.
#[derive(Debug)]
pub struct Opened {
    /// They were inside something that had been opened itself.
    pub is_deeper: bool,
    /// Which way they travelled.
    pub direction: Direction,
    /// The packet that brought them, or that showed that they will not come.
    pub packet: PacketRef,
    /// The bytes.
    pub content: Content,
}

/// Puts what secrets open of one flow in order and keeps it until it is taken.
#[derive(Default)]
pub struct Tap {
    streams: Option<Box<[Stream; 2]>>,
    opened: Vec<Opened>,
}

impl Tap {
    /// Adds bytes of the content. Of what is deeper inside it is only noted that it was opened.
    pub fn insert(
        &mut self,
        is_deeper: bool,
        direction: Direction,
        offset: u64,
        (bytes, packet): (&[u8], PacketRef),
        context: &Context<'_>,
    ) {
        if is_deeper {
            if !self.opened.iter().any(|opened| opened.is_deeper) {
                self.opened.push(Opened { is_deeper, direction, packet, content: Content::Missing(0) });
            }
            return;
        }
        let Self { streams, opened } = self;
        let own = [Origin { offset: 0, packet }];
        let mut read = |input: Input<'_>, origins: &[Origin], from_start| {
            let origins = if origins.is_empty() { &own[..] } else { origins };
            keep(opened, input, &Context { origins, from_start, ..*context })
        };
        let streams =
            streams.get_or_insert_with(|| Box::new(Direction::BOTH.map(|direction| Stream::new(direction, true))));
        streams[direction.index()].insert(offset, bytes, packet, &mut read);
    }

    /// Bytes before `offset` will not come any more.
    pub fn give_up_before(&mut self, is_deeper: bool, direction: Direction, offset: u64, context: &Context<'_>) {
        let Self { streams: Some(streams), opened } = self else { return };
        if !is_deeper {
            let mut read = |input: Input<'_>, origins: &[Origin], from_start| {
                keep(opened, input, &Context { origins, from_start, ..*context })
            };
            streams[direction.index()].give_up_before(offset, context.packet, &mut read);
        }
    }

    /// What was opened since this was asked last.
    pub fn take(&mut self) -> Vec<Opened> {
        std::mem::take(&mut self.opened)
    }
}

fn keep(opened: &mut Vec<Opened>, input: Input<'_>, context: &Context<'_>) -> Progress {
    match input {
        Input::Stream { direction, bytes } => {
            opened.extend(pieces(bytes, context).into_iter().map(|(packet, bytes)| Opened {
                is_deeper: false,
                direction,
                packet,
                content: Content::Bytes(bytes.to_vec()),
            }));
            Progress::Consumed(bytes.len())
        }
        Input::Gap { direction, length } => {
            let packet = context.packet;
            opened.push(Opened { is_deeper: false, direction, packet, content: Content::Missing(length) });
            Progress::Consumed(0)
        }
        _ => Progress::Consumed(0),
    }
}
