//! Where a shard breaks messages on purpose; see [`crate::planted`].
//!
//! What goes wrong in the log goes wrong between the frame and the core: the core then decides, stores, shows and
//! acknowledges what was not sent, so everybody who reads the log sees the same wrong thing. What goes wrong only in the
//! store goes wrong between the decision and the commit, and what goes wrong on the way to a socket at its queue.

use super::Shard;
use crate::planted::{Fault, note};
use bytes::Bytes;
use hubbub_codec::proto::{Entries, EventType};
use hubbub_core::ids::{ClientMessageId, Conversation};
use hubbub_core::machine::Input;
use hubbub_core::message::Start;
use hubbub_core::records::{Batch, Block, Write};
use hubbub_core::request::{Action, Append, Request, SessionId};
use prost::Message as _;

impl Shard {
    /// Takes a request to the core, perhaps not as it came.
    pub(super) fn input_planted(&mut self, session: SessionId, request_id: u64, mut request: Request) {
        let Some(conversation) = first_attempt(&request) else {
            return self.input(Input::Request { session, request_id, request });
        };
        let place = (session, conversation);
        if let Some((other_id, mut other)) = self.planting.held_messages.remove(&place) {
            note(Fault::Swap);
            std::mem::swap(body(&mut other), body(&mut request));
            self.input(Input::Request { session, request_id: other_id, request: other });
        } else if self.planting.is_due(Fault::Swap) {
            self.planting.held_messages.insert(place, (request_id, request));
            return;
        } else if self.planting.is_due(Fault::LoseBody) {
            note(Fault::LoseBody);
            body(&mut request).clear();
        }
        let again = self.planting.is_due(Fault::StoreTwice).then(|| request.clone());
        self.input(Input::Request { session, request_id, request });
        if let Some(again) = again {
            note(Fault::StoreTwice);
            self.input_again(session, request_id, again);
        }
    }

    /// The same message under another name; its answer is for nobody.
    fn input_again(&mut self, session: SessionId, request_id: u64, mut request: Request) {
        let request_id = u64::MAX - request_id;
        if let Request::Append { append, .. } = &mut request {
            append.client_message_id = ClientMessageId::new(&request_id.to_be_bytes()).expect("8 bytes are a name");
        }
        self.planting.unanswered.push((session, request_id));
        self.input(Input::Request { session, request_id, request });
    }

    /// Whether an answer is for nobody.
    pub(super) fn is_unanswered(&mut self, session: SessionId, request_id: u64) -> bool {
        let at = self.planting.unanswered.iter().position(|unanswered| *unanswered == (session, request_id));
        at.map(|at| self.planting.unanswered.swap_remove(at)).is_some()
    }

    /// Pushes a frame, perhaps twice, later or not at all.
    pub(super) fn push_planted(
        &mut self,
        session: SessionId,
        conversation: Conversation,
        before: Start,
        frame: &Bytes,
    ) {
        let place = (session, conversation);
        let held = self.planting.held_frames.remove(&place);
        if held.is_none() && self.planting.is_due(Fault::SwapFrames) {
            self.planting.held_frames.insert(place, frame.clone());
            return;
        }
        if self.planting.is_due(Fault::DropFrame) {
            note(Fault::DropFrame);
        } else {
            self.push_entries(session, conversation, before, frame);
        }
        if self.planting.is_due(Fault::DoubleFrame) {
            note(Fault::DoubleFrame);
            self.push_entries(session, conversation, before, frame);
        }
        if let Some(held) = held {
            note(Fault::SwapFrames);
            self.push_entries(session, conversation, before, &held);
        }
    }

    /// Loses bodies on their way to the store.
    pub(super) fn plant_in_store(&mut self, batches: &mut [Batch]) {
        let writes = batches.iter_mut().flat_map(|batch| &mut batch.writes);
        for write in writes {
            if let Write::PutBlock(_, block) = write
                && self.planting.is_due(Fault::LoseStored)
                && lose_first_body(block)
            {
                note(Fault::LoseStored);
            }
        }
    }
}

/// The conversation of a message that was not sent before.
fn first_attempt(request: &Request) -> Option<Conversation> {
    match request {
        Request::Append { conversation, append: Append { resend: false, action: Action::Message { .. }, .. } } => {
            Some(*conversation)
        }
        _ => None,
    }
}

fn body(request: &mut Request) -> &mut Bytes {
    match request {
        Request::Append { append: Append { action: Action::Message { body, .. }, .. }, .. } => body,
        _ => unreachable!("only messages come here"),
    }
}

/// Empties the body of a block's first message; false when it has none.
fn lose_first_body(block: &mut Block) -> bool {
    let mut entries = Entries::decode(block.entries.clone()).expect("a block is the entries of a frame");
    let message = entries.entries.iter_mut().find(|entry| entry.event_type() == EventType::User);
    let Some(message) = message else { return false };
    message.body = Bytes::new();
    block.entries = entries.encode_to_vec().into();
    true
}
