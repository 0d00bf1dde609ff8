//! Sessions on this shard and the users they belong to.

use crate::budget::BudgetIndex;
use crate::ids::{Conversation, DeviceId, Seq, Timestamp, UserId};
use crate::machine::Open;
use crate::message::{ReceiptsPush, Start};
use crate::presence::Activity;
use crate::question::Registration;
use crate::records::{AccountRecord, DeviceRecord, MembershipRecord, StoredUser};
use crate::request::{ConversationState, ReplyTo, SessionId};
use crate::subscriptions::FollowedIndex;
use crate::watches::Watching;
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One device that is connected here.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) user: UserId,
    pub(crate) device: DeviceId,
    /// The user's budget, once something was charged to it here.
    pub(crate) budget: Option<BudgetIndex>,
    /// The client asked for everything of the user's, later conversations included.
    pub(crate) follows_all: bool,
    /// Named conversations that had ended before the client asked for everything, and where the session stands there.
    #[expect(clippy::box_collection, reason = "few sessions have any, and there are many sessions")]
    pub(crate) ended: Option<Box<Vec<(Conversation, Start)>>>,
    /// Over its outbound limit: nothing is pulled until it has drained.
    pub(crate) lagging: bool,
    /// Pages under way.
    pub(crate) pulling: u32,
    /// Conversations that want a page when fewer are under way.
    #[expect(clippy::box_collection, reason = "as above")]
    pub(crate) queue: Option<Box<VecDeque<FollowedIndex>>>,
    /// Syncs that have not been answered.
    pub(crate) syncs: Option<Box<Syncs>>,
    /// When something was last heard.
    pub(crate) active: Timestamp,
    /// Whom it watches.
    pub(crate) watching: Option<Box<Watching>>,
}

impl Session {
    /// Whether a sync waits to hear how far it has to go in a conversation.
    pub(crate) fn wants_state(&self, index: FollowedIndex) -> bool {
        self.syncs.as_ref().is_some_and(|syncs| matches!(syncs.waiting.get(&index), Some((_, None))))
    }

    pub(crate) fn new(open: &Open) -> Session {
        Session {
            id: open.session,
            user: open.user,
            device: open.device,
            budget: None,
            follows_all: false,
            ended: None,
            lagging: false,
            pulling: 0,
            queue: None,
            syncs: None,
            active: Timestamp(0),
            watching: None,
        }
    }

    /// Takes note of a sign of life, also when the clock was set back since the last. True when the session had been idle
    /// for the timeout.
    pub(crate) fn wakes(&mut self, now: Timestamp, timeout_ms: u64) -> bool {
        let idle = now >= self.active.plus_ms(timeout_ms);
        self.active = self.active.max(now);
        idle
    }
}

/// Syncs under way for one session.
#[derive(Debug, Default)]
pub(crate) struct Syncs {
    /// By number; answered ones are `None`.
    pub(crate) runs: Vec<Option<SyncRun>>,
    /// Which sync waits for a conversation, and up to which seq (once that is known).
    pub(crate) waiting: HashMap<FollowedIndex, (usize, Option<Seq>), foldhash::fast::RandomState>,
    /// What the answers will say, and which answer: of each conversation only the newest.
    pub(crate) states: BTreeMap<Conversation, (usize, ConversationState)>,
}

impl Syncs {
    /// What an answer will say of marks must not be older than what is pushed before it.
    pub(crate) fn raise_marks(&mut self, user: UserId, receipts: &ReceiptsPush) {
        let Some((_, state)) = self.states.get_mut(&receipts.conversation) else { return };
        for &(of, delivered, read) in &receipts.receipts {
            state.raise_marks(of == user, delivered, read);
        }
    }

    /// What the answer to a sync says.
    pub(crate) fn take_states(&mut self, number: usize) -> Vec<ConversationState> {
        let (own, others): (BTreeMap<_, _>, _) =
            std::mem::take(&mut self.states).into_iter().partition(|(_, (of, _))| *of == number);
        self.states = others;
        own.into_values().map(|(_, state)| state).collect()
    }

    /// How many have not been answered.
    pub(crate) fn open(&self) -> usize {
        self.runs.iter().flatten().count()
    }
}

/// One sync.
#[derive(Debug)]
pub(crate) struct SyncRun {
    pub(crate) request_id: u64,
    /// Conversations that have not reached the head they had.
    pub(crate) remaining: usize,
}

/// A user who is connected here, or was a little while ago. There are many, and a table has empty places: it holds
/// boxes.
#[derive(Debug)]
pub(crate) enum User {
    /// Not known yet.
    Loading(Box<LoadingUser>),
    /// Known.
    Ready(Box<ReadyUser>),
}

/// See [`User`].
#[derive(Debug, Default)]
pub(crate) struct LoadingUser {
    /// Logins that wait.
    pub(crate) opens: Vec<Open>,
    /// An account to be made, if there is none.
    pub(crate) registration: Option<(ReplyTo, Registration)>,
    /// Memberships that changed meanwhile.
    pub(crate) changed: Vec<(Conversation, MembershipRecord)>,
}

/// See [`User`].
#[derive(Debug)]
pub(crate) struct ReadyUser {
    pub(crate) account: AccountRecord,
    pub(crate) memberships: BTreeMap<Conversation, MembershipRecord>,
    /// Devices and tombstones.
    pub(crate) devices: Vec<Device>,
    /// Shared by the sessions.
    pub(crate) budget: Option<BudgetIndex>,
    pub(crate) used: Timestamp,
    pub(crate) activity: Activity,
    /// Whom the user has blocked.
    pub(crate) blocked: BlockedUsers,
}

/// Whom a user has blocked: nobody, most often.
#[derive(Debug, Default)]
#[expect(clippy::box_collection, reason = "few users have blocked anybody, and there are many users")]
pub(crate) struct BlockedUsers(Option<Box<BTreeSet<UserId>>>);

impl BlockedUsers {
    fn new(users: BTreeSet<UserId>) -> BlockedUsers {
        BlockedUsers((!users.is_empty()).then(|| Box::new(users)))
    }

    pub(crate) fn contains(&self, user: &UserId) -> bool {
        self.0.as_ref().is_some_and(|users| users.contains(user))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |users| users.len())
    }

    /// Ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = UserId> {
        self.0.iter().flat_map(|users| users.iter().copied())
    }

    pub(crate) fn set(&mut self, user: UserId, blocked: bool) {
        if blocked {
            self.0.get_or_insert_default().insert(user);
        } else if let Some(users) = &mut self.0 {
            users.remove(&user);
        }
    }
}

/// A device of a connected user.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    /// That of its last login.
    pub(crate) generation: u64,
    pub(crate) session: Option<SessionId>,
    pub(crate) record: DeviceRecord,
}

impl ReadyUser {
    /// Takes note of a membership; older news never overwrites newer.
    pub(crate) fn apply(&mut self, conversation: Conversation, record: MembershipRecord) {
        let known = self.memberships.entry(conversation).or_insert(record);
        if known.version <= record.version {
            *known = record;
        }
    }

    /// A user as they are stored.
    pub(crate) fn from_stored(stored: StoredUser, now: Timestamp) -> ReadyUser {
        let StoredUser { account, devices, memberships, presence, blocked } = stored;
        let device = |(id, record)| Device { id, generation: 0, session: None, record };
        ReadyUser {
            account,
            memberships: memberships.into_iter().collect(),
            devices: devices.into_iter().map(device).collect(),
            used: now,
            budget: None,
            activity: Activity::from_stored(presence),
            blocked: BlockedUsers::new(blocked.into_iter().map(|(peer, _)| peer).collect()),
        }
    }

    /// Open sessions.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.devices.iter().filter_map(|device| device.session)
    }
}

/// Sessions by index.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    places: Vec<Option<Session>>,
}

impl Sessions {
    pub(crate) fn insert(&mut self, session: Session) {
        let index = session.id.index as usize;
        if self.places.len() <= index {
            self.places.resize_with(index + 1, || None);
        }
        self.places[index] = Some(session);
    }

    pub(crate) fn remove(&mut self, id: SessionId) -> Option<Session> {
        let place = self.places.get_mut(id.index as usize)?;
        place.take_if(|session| session.id == id)
    }

    /// The session of this very id.
    pub(crate) fn get(&mut self, id: SessionId) -> Option<&mut Session> {
        self.places.get_mut(id.index as usize)?.as_mut().filter(|session| session.id == id)
    }

    /// The session at an index that is known to be taken.
    pub(crate) fn at(&mut self, index: u32) -> &mut Session {
        self.places[index as usize].as_mut().expect("subscriptions are removed with their session")
    }
}
