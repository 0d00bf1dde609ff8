//! Whoever speaks with the server: a plain device in the core's language, or an application in the protocol's.

use crate::app::App;
use crate::device::Device;
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::presence::Told;
use crate::server::{ConnectionId, Server};
use hubbub_core::ids::{Conversation, DeviceId, GroupId, Seq, UserId};
use hubbub_core::records::{InviteHash, PagePosition};
use hubbub_core::request::{Action, InfoQuery, Request};
use hubbub_core::signal::SignalKind;

/// See the module.
#[derive(Debug)]
pub enum Client {
    /// Asks and hears in values, and checks each reply of the core.
    Plain(Box<Device>),
    /// The client library's session, over bytes.
    App(Box<App>),
}

/// What lets people into a group.
#[derive(Clone, Debug)]
pub enum Invitation {
    /// As the core knows it.
    Hash(GroupId, InviteHash),
    /// As people hand it on.
    Token(String),
}

impl Client {
    /// Whose.
    #[must_use]
    pub fn user(&self) -> UserId {
        match self {
            Client::Plain(device) => device.user,
            Client::App(app) => app.user,
        }
    }

    /// The device.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        match self {
            Client::Plain(device) => device.id,
            Client::App(app) => app.id,
        }
    }

    /// While it is connected.
    #[must_use]
    pub fn connection(&self) -> Option<ConnectionId> {
        match self {
            Client::Plain(device) => device.connection,
            Client::App(app) => app.connection,
        }
    }

    /// Conversations it has heard of.
    #[must_use]
    pub fn conversations(&self) -> Vec<Conversation> {
        match self {
            Client::Plain(device) => device.conversations(),
            Client::App(app) => app.conversations(),
        }
    }

    /// The highest contiguous seq that it holds.
    #[must_use]
    pub fn cursor(&self, conversation: &Conversation) -> Seq {
        match self {
            Client::Plain(device) => device.cursor(conversation),
            Client::App(app) => app.cursor(conversation),
        }
    }

    /// Whether everything it asked was answered.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        match self {
            Client::Plain(device) => device.is_idle(),
            Client::App(app) => app.is_idle(),
        }
    }

    /// What it waits for, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Client::Plain(device) => device.describe(),
            Client::App(app) => app.describe(),
        }
    }

    /// Connects; an application only when its pause is over.
    pub fn connect(&mut self, server: &mut Server) {
        match self {
            Client::Plain(device) => device.connect(server),
            Client::App(app) => app.connect(server),
        }
    }

    /// The connection is gone.
    pub fn lose_connection(&mut self, server: &mut Server) {
        match self {
            Client::Plain(device) => device.lose_connection(),
            Client::App(app) => app.lose_connection(server),
        }
    }

    /// Does what is due by time.
    pub fn wake(&mut self, server: &mut Server) {
        if let Client::App(app) = self {
            app.wake(server);
        }
    }

    /// Reads something.
    pub fn read(&mut self, server: &mut Server, dice: &mut Dice) {
        match self {
            Client::Plain(device) => {
                if let Some(frame) = device.connection.and_then(|id| server.read(id)) {
                    device.take(server, frame);
                }
            }
            Client::App(app) => app.read(server, dice),
        }
    }

    /// Appends something to a conversation, now or when it is connected.
    pub fn append(&mut self, server: &mut Server, conversation: Conversation, action: Action) {
        match self {
            Client::Plain(device) => device.append(server, conversation, action),
            Client::App(app) => app.append(server, conversation, action),
        }
    }

    /// Makes a group.
    pub fn create_group(&mut self, server: &mut Server, members: Vec<UserId>) {
        match self {
            Client::Plain(device) => device.create_group(server, members),
            Client::App(app) => app.create_group(server, &members),
        }
    }

    /// Marks something that it holds.
    pub fn mark(&mut self, server: &mut Server, conversation: Conversation, dice: &mut Dice) {
        let held = self.cursor(&conversation);
        if held == Seq(0) {
            return;
        }
        let seq = if dice.per_mille(800) { held } else { Seq(dice.between(1, held.0 as usize) as u64) };
        match self {
            Client::Plain(device) => {
                let (read, answer) = (dice.per_mille(400), dice.per_mille(300));
                device.mark(server, conversation, seq, read, answer);
            }
            Client::App(app) => app.mark(server, conversation, seq),
        }
    }

    /// Asks about a conversation.
    pub fn look(&mut self, server: &mut Server, conversation: Conversation, dice: &mut Dice) {
        match self {
            Client::Plain(device) => {
                let request = question(conversation, dice);
                device.ask(server, request);
            }
            Client::App(app) => app.look(server, conversation, dice),
        }
    }

    /// Makes an invitation, or voids all of a group.
    pub fn invite(&mut self, server: &mut Server, group: GroupId, dice: &mut Dice) {
        match self {
            Client::Plain(device) => device.invite(server, group, dice),
            Client::App(app) => app.invite(server, group, dice),
        }
    }

    /// The invitations it was given since the last time.
    pub fn take_invitations(&mut self) -> Vec<Invitation> {
        match self {
            Client::Plain(device) => std::mem::take(&mut device.invitations),
            Client::App(app) => std::mem::take(&mut app.invitations),
        }
    }

    /// Joins by an invitation, if it is one of its language.
    pub fn join(&mut self, server: &mut Server, invitation: &Invitation) {
        match (self, invitation) {
            (Client::Plain(device), Invitation::Hash(group, hash)) => {
                device.append(server, Conversation::Group(*group), Action::Join(*hash));
            }
            (Client::App(app), Invitation::Token(token)) => app.join(server, token),
            _ => {}
        }
    }

    /// Signals in a conversation.
    pub fn signal(&mut self, server: &mut Server, conversation: Conversation, dice: &mut Dice) {
        match self {
            Client::Plain(device) => {
                let kinds = [SignalKind::Typing, SignalKind::CallOffer, SignalKind::CallAnswer, SignalKind::Custom];
                let kind = *dice.pick(&kinds).expect("there are some");
                device.signal(server, conversation, kind, dice.per_mille(300));
            }
            Client::App(app) => app.signal(server, conversation, dice),
        }
    }

    /// Watches these, from now on and over connections.
    pub fn watch(&mut self, server: &mut Server, users: &[UserId]) {
        match self {
            Client::Plain(device) => device.watch(server, users),
            Client::App(app) => app.watch(server, users),
        }
    }

    /// Watches these no more; nobody when it is not told whom.
    pub fn unwatch(&mut self, server: &mut Server, users: Option<&[UserId]>) {
        match self {
            Client::Plain(device) => device.unwatch(server, users),
            Client::App(app) => app.unwatch(server, users),
        }
    }

    /// Whom it watches, and what it was told.
    #[must_use]
    pub fn watched(&self) -> (Vec<UserId>, &Told) {
        match self {
            Client::Plain(device) => device.watched(),
            Client::App(app) => app.watched(),
        }
    }

    /// Changes how others see its user.
    pub fn set_status(&mut self, server: &mut Server, status: &str, invisible: Option<bool>) {
        match self {
            Client::Plain(device) => device.set_status(server, status, invisible),
            Client::App(app) => app.set_status(server, status, invisible),
        }
    }

    /// Blocks users, or not any more.
    pub fn block(&mut self, server: &mut Server, users: Vec<UserId>, blocked: bool) {
        match self {
            Client::Plain(device) => device.block(server, users, blocked),
            Client::App(app) => app.block(server, &users, blocked),
        }
    }

    /// Asks whom its user has blocked.
    pub fn list_blocked(&mut self, server: &mut Server) {
        match self {
            Client::Plain(device) => device.ask(server, Request::ListBlocked),
            Client::App(app) => app.list_blocked(server),
        }
    }

    /// Looks at the end of a log, and asks who holds a message of one's own.
    pub fn probe(&mut self, server: &mut Server, conversation: Conversation, own: Option<Seq>) {
        match self {
            Client::Plain(device) => {
                let position = PagePosition::Before(Seq(u64::MAX));
                device.ask(server, Request::History { conversation, position, limit: 50, raw: false });
                if let Some(seq) = own {
                    let query = InfoQuery { seq, members_after: UserId(0), members_limit: 3 };
                    device.ask(server, Request::MessageInfo { conversation, query });
                }
            }
            Client::App(app) => app.probe(server, conversation, own),
        }
    }

    /// Names a conversation in a further sync (an application's session does that by itself).
    pub fn sync_again(&mut self, server: &mut Server, conversation: Conversation) {
        if let Client::Plain(device) = self
            && device.ready
        {
            device.sync_again(server, conversation);
        }
    }

    /// Sends what waits.
    pub fn flush(&mut self, server: &mut Server) {
        match self {
            Client::Plain(device) => device.flush(server),
            Client::App(app) => app.wake(server),
        }
    }

    /// What must hold of it when the world rests.
    pub fn check(&self, ledger: &Ledger, refusals: bool, told_all: bool) {
        match self {
            Client::Plain(device) => device.check_order(ledger),
            Client::App(app) => app.check(ledger, refusals, told_all),
        }
    }
}

fn question(conversation: Conversation, dice: &mut Dice) -> Request {
    let seq = Seq(dice.below(30) as u64);
    let limit = dice.between(1, 10);
    match (dice.below(5), conversation) {
        (4, _) => {
            let query = InfoQuery { seq, members_after: UserId(0), members_limit: limit };
            Request::MessageInfo { conversation, query }
        }
        (0, _) => {
            Request::History { conversation, position: PagePosition::After(seq), limit, raw: seq.0.is_multiple_of(2) }
        }
        (1, _) => Request::History { conversation, position: PagePosition::Before(seq.next()), limit, raw: false },
        (2, Conversation::Group(group)) => Request::GetGroup { group, members_after: UserId(0), members_limit: limit },
        _ => Request::ListConversations { after: None, limit, with_states: dice.per_mille(500) },
    }
}
