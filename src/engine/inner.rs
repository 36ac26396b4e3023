//! Flows inside a flow: bytes that a session decrypted or unwrapped, put in order and read as streams of their own.
use super::{consumer::Outlet, conversation::Conversation};
use crate::{
    app::Carrier,
    flow::stream::Stream,
    limits,
    record::{Context, Direction, Input},
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
        bytes: &[u8],
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
        let mut read = |input: Input<'_>, origins: &[_], from_start| {
            let inside = Context { origins, from_start, ..*context };
            conversation.input(input, &inside, outlet)
        };
        streams[direction.index()].insert(offset, bytes, context.packet, &mut read);
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
