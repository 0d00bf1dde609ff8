//! Between domain records and stored messages: the only place that knows both.
//!
//! `encode_*` replaces the scratch buffer's content; `decode_*` answers `None` for bytes that are no such record.

use crate::options::{Durability, NodeId};
use crate::partitions::Slots;
use hubbub_core::account::{Email, PasswordHash, Person, TokenHash, TokenRecord};
use hubbub_core::ids::{ClientMessageId, DeviceId, LogId, MessageId, MessageName, PartitionId, Seq, Timestamp, UserId};
use hubbub_core::records::{
    AccountRecord, Batch, ConversationRecord, CursorRecord, DeviceRecord, EditRecord, EmailRecord, Fact, GroupRecord,
    GroupSettings, HistoryRecord, InviteHash, InviteRecord, MemberRecord, MembershipRecord, MutedUntil, OutboxRow,
    Owner, PartitionState, ReactionCount, Retention, Role, Span,
};
use prost::Message;

mod people;

use people::{blocks_message, blocks_record};
pub(crate) use people::{decode_blocked, decode_presence, encode_blocked, encode_presence};

#[allow(missing_docs, unreachable_pub, clippy::pedantic)]
mod pb {
    include!(concat!(env!("OUT_DIR"), "/hubbub.store.v1.rs"));
}

fn write(message: &impl Message, value: &mut Vec<u8>) {
    value.clear();
    message.encode(value).expect("a Vec grows as needed");
}

pub(crate) fn encode_conversation(record: &ConversationRecord, value: &mut Vec<u8>) {
    let message = pb::Conversation {
        title: record.title.clone(),
        owner: record.owner.0,
        created_by: record.created_by.map(|name| pb::Name {
            sender: name.sender.0,
            device: name.device.0,
            client_message_id: name.client_message_id.as_bytes().to_vec().into(),
        }),
        created_us: record.created.0,
        log_id: record.log_id.0,
        floor: record.floor.0,
        notified_up_to: record.notified_up_to.0,
        group: record.group.as_deref().filter(|group| **group != GroupRecord::default()).map(group_message),
        history: record.history.as_deref().map(history_message),
        blocks: record.blocks.as_deref().map(blocks_message),
    };
    write(&message, value);
}

pub(crate) fn decode_conversation(value: &[u8]) -> Option<ConversationRecord> {
    let message = pb::Conversation::decode(value).ok()?;
    let created_by = match message.created_by {
        Some(name) => Some(MessageName {
            sender: UserId(name.sender),
            device: DeviceId(name.device),
            client_message_id: ClientMessageId::new(&name.client_message_id)?,
        }),
        None => None,
    };
    let group = match message.group {
        Some(group) => Some(Box::new(group_record(group)?)),
        None => None,
    };
    Some(ConversationRecord {
        title: message.title,
        owner: UserId(message.owner),
        created_by,
        created: Timestamp(message.created_us),
        log_id: LogId(message.log_id),
        floor: Seq(message.floor),
        notified_up_to: Seq(message.notified_up_to),
        group,
        history: match &message.history {
            Some(history) => Some(Box::new(history_record(history)?)),
            None => None,
        },
        blocks: message.blocks.map(|blocks| Box::new(blocks_record(&blocks))),
    })
}

fn group_message(record: &GroupRecord) -> pb::Group {
    let invite = |invite: &InviteRecord| pb::Invite {
        hash: invite.hash.0.to_vec().into(),
        expires_us: invite.expires.0,
        uses_left: invite.uses_left,
        by: invite.by.0,
    };
    pb::Group {
        announcement_only: record.settings.announcement_only,
        members_may_add: record.settings.members_may_add,
        invites: record.invites.iter().map(invite).collect(),
        ended: record.ended.map(|seq| seq.0),
    }
}

fn group_record(message: pb::Group) -> Option<GroupRecord> {
    let invite = |invite: pb::Invite| {
        Some(InviteRecord {
            hash: InviteHash(invite.hash.as_ref().try_into().ok()?),
            expires: Timestamp(invite.expires_us),
            uses_left: invite.uses_left,
            by: UserId(invite.by),
        })
    };
    let (announcement_only, members_may_add) = (message.announcement_only, message.members_may_add);
    Some(GroupRecord {
        settings: GroupSettings { announcement_only, members_may_add },
        invites: message.invites.into_iter().map(invite).collect::<Option<_>>()?,
        ended: message.ended.map(Seq),
    })
}

fn history_message(record: &HistoryRecord) -> pb::History {
    let (mode, ttl_seconds) = match record.retention {
        None => (pb::RetentionMode::Default, 0),
        Some(Retention::Forever) => (pb::RetentionMode::Forever, 0),
        Some(Retention::Ttl { seconds }) => (pb::RetentionMode::Ttl, seconds),
        Some(Retention::UntilDelivered) => (pb::RetentionMode::UntilDelivered, 0),
    };
    let HistoryRecord { floor_ordinal, dropped, overlaid, .. } = *record;
    pb::History { retention: mode.into(), ttl_seconds, floor_ordinal, dropped: dropped.0, overlaid }
}

fn history_record(message: &pb::History) -> Option<HistoryRecord> {
    let retention = match pb::RetentionMode::try_from(message.retention).ok()? {
        pb::RetentionMode::Default => None,
        pb::RetentionMode::Forever => Some(Retention::Forever),
        pb::RetentionMode::Ttl => Some(Retention::Ttl { seconds: message.ttl_seconds }),
        pb::RetentionMode::UntilDelivered => Some(Retention::UntilDelivered),
    };
    let pb::History { floor_ordinal, dropped, overlaid, .. } = *message;
    Some(HistoryRecord { retention, floor_ordinal, dropped: Seq(dropped), overlaid })
}

/// What the members of a conversation chose, without reading the rest of its record.
pub(crate) fn decode_retention(value: &[u8]) -> Option<Option<Retention>> {
    Some(decode_conversation(value)?.history().retention)
}

pub(crate) fn encode_edit(record: &EditRecord, value: &mut Vec<u8>) {
    let message = pb::Edit {
        seqs: record.seqs.iter().map(|seq| seq.0).collect(),
        time_us: record.time.0,
        body: record.body.clone(),
        content_type: record.content_type.clone(),
    };
    write(&message, value);
}

pub(crate) fn decode_edit(value: &[u8]) -> Option<EditRecord> {
    let message = pb::Edit::decode(value).ok()?;
    let seqs: Vec<Seq> = message.seqs.into_iter().map(Seq).collect();
    let edit =
        EditRecord { seqs, time: Timestamp(message.time_us), body: message.body, content_type: message.content_type };
    Some(edit).filter(|edit| !edit.seqs.is_empty())
}

pub(crate) fn encode_reactions(emojis: &[String], value: &mut Vec<u8>) {
    write(&pb::Reactions { emojis: emojis.to_vec() }, value);
}

pub(crate) fn decode_reactions(value: &[u8]) -> Option<Vec<String>> {
    Some(pb::Reactions::decode(value).ok()?.emojis)
}

pub(crate) fn encode_reaction_counts(counts: &[ReactionCount], value: &mut Vec<u8>) {
    let count = |count: &ReactionCount| pb::ReactionCount {
        emoji: count.emoji.clone(),
        count: count.count,
        users: count.users.iter().map(|user| user.0).collect(),
    };
    write(&pb::ReactionCounts { counts: counts.iter().map(count).collect() }, value);
}

pub(crate) fn decode_reaction_counts(value: &[u8]) -> Option<Vec<ReactionCount>> {
    let message = pb::ReactionCounts::decode(value).ok()?;
    let count = |count: pb::ReactionCount| ReactionCount {
        emoji: count.emoji,
        count: count.count,
        users: count.users.into_iter().map(UserId).collect(),
    };
    Some(message.counts.into_iter().map(count).collect())
}

pub(crate) fn encode_member(record: &MemberRecord, value: &mut Vec<u8>) {
    let role = match record.role {
        Role::Member => pb::Role::Member,
        Role::Admin => pb::Role::Admin,
        Role::Owner => pb::Role::Owner,
    };
    let span = |span: &Span| pb::Span { joined: span.joined.0, left: span.left.map(|seq| seq.0) };
    let spans = record.spans.iter().map(span).collect();
    write(&pb::Member { role: role.into(), spans, muted_until_us: record.muted_until.0 }, value);
}

pub(crate) fn decode_member(value: &[u8]) -> Option<MemberRecord> {
    let message = pb::Member::decode(value).ok()?;
    let role = match message.role() {
        pb::Role::Member => Role::Member,
        pb::Role::Admin => Role::Admin,
        pb::Role::Owner => Role::Owner,
        pb::Role::Unspecified => return None,
    };
    let span = |span: &pb::Span| Span { joined: Seq(span.joined), left: span.left.map(Seq) };
    let muted_until = MutedUntil(message.muted_until_us);
    Some(MemberRecord { role, muted_until, spans: message.spans.iter().map(span).collect() })
}

pub(crate) fn encode_cursor(record: &CursorRecord, value: &mut Vec<u8>) {
    let CursorRecord { delivered, read, last_seen } = record;
    write(&pb::Cursor { delivered: delivered.0, read: read.0, last_seen_us: last_seen.0 }, value);
}

pub(crate) fn decode_cursor(value: &[u8]) -> Option<CursorRecord> {
    let message = pb::Cursor::decode(value).ok()?;
    Some(CursorRecord {
        delivered: Seq(message.delivered),
        read: Seq(message.read),
        last_seen: Timestamp(message.last_seen_us),
    })
}

fn membership_message(record: &MembershipRecord) -> pb::Membership {
    pb::Membership { joined: record.joined.0, version: record.version.0, member: record.member }
}

fn membership_record(message: &pb::Membership) -> MembershipRecord {
    MembershipRecord { joined: Seq(message.joined), version: Seq(message.version), member: message.member }
}

pub(crate) fn encode_membership(record: &MembershipRecord, value: &mut Vec<u8>) {
    write(&membership_message(record), value);
}

pub(crate) fn decode_membership(value: &[u8]) -> Option<MembershipRecord> {
    pb::Membership::decode(value).ok().as_ref().map(membership_record)
}

pub(crate) fn encode_account(record: &AccountRecord, value: &mut Vec<u8>) {
    let mut message = pb::Account { created_us: record.created.0, ..pb::Account::default() };
    if let Some(person) = &record.person {
        message.email = person.email.as_ref().map(|email| email.as_str().to_owned()).unwrap_or_default();
        message.password = person.password.as_ref().map(|hash| hash.as_str().to_owned()).unwrap_or_default();
        message.name = person.name.to_string();
        message.about = person.about.to_string();
        message.picture = person.picture.to_string();
    }
    write(&message, value);
}

pub(crate) fn decode_account(value: &[u8]) -> Option<AccountRecord> {
    let message = pb::Account::decode(value).ok()?;
    let told = |text: &String| !text.is_empty();
    let person = Person {
        email: Some(message.email).filter(told).map(Email::new),
        password: Some(message.password).filter(told).map(PasswordHash::new),
        name: message.name.into(),
        about: message.about.into(),
        picture: message.picture.into(),
    };
    let person = (person != Person::default()).then(|| Box::new(person));
    Some(AccountRecord { created: Timestamp(message.created_us), person })
}

pub(crate) fn encode_email(record: &EmailRecord, value: &mut Vec<u8>) {
    let EmailRecord { email, user, reserved_until } = record;
    let (email, user, reserved_until_us) = (email.as_str().to_owned(), user.0, reserved_until.0);
    write(&pb::Email { email, user, reserved_until_us }, value);
}

pub(crate) fn decode_email(value: &[u8]) -> Option<EmailRecord> {
    let pb::Email { email, user, reserved_until_us } = pb::Email::decode(value).ok()?;
    Some(EmailRecord { email: Email::new(email), user: UserId(user), reserved_until: Timestamp(reserved_until_us) })
}

pub(crate) fn encode_device(record: &DeviceRecord, value: &mut Vec<u8>) {
    let token = record
        .token
        .as_ref()
        .map(|token| pb::Token { sha256: token.hash.as_bytes().to_vec().into(), expires_us: token.expires.0 });
    let message = pb::Device {
        name: record.name.to_string(),
        platform: record.platform.to_string(),
        created_us: record.created.0,
        last_seen_us: record.last_seen.0,
        token,
        revoked_us: record.revoked.map(|time| time.0),
    };
    write(&message, value);
}

pub(crate) fn decode_device(value: &[u8]) -> Option<DeviceRecord> {
    let message = pb::Device::decode(value).ok()?;
    let token = match message.token {
        Some(token) => {
            let hash = TokenHash::new(token.sha256.as_ref().try_into().ok()?);
            Some(Box::new(TokenRecord { hash, expires: Timestamp(token.expires_us) }))
        }
        None => None,
    };
    Some(DeviceRecord {
        name: message.name.into(),
        platform: message.platform.into(),
        created: Timestamp(message.created_us),
        last_seen: Timestamp(message.last_seen_us),
        token,
        revoked: message.revoked_us.map(Timestamp),
    })
}

pub(crate) fn encode_outbox(row: &OutboxRow, value: &mut Vec<u8>) {
    let message = match &row.fact {
        Fact::Membership { user, membership, .. } => {
            pb::Outbox { user: user.0, fact: Some(pb::outbox::Fact::Membership(membership_message(membership))) }
        }
        Fact::Block { user, peer, blocked, version } => {
            let block = pb::BlockFact { peer: peer.0, blocked: *blocked, version: version.0 };
            pb::Outbox { user: user.0, fact: Some(pb::outbox::Fact::Block(block)) }
        }
    };
    write(&message, value);
}

/// The fact goes with its owner, who stands in the key.
pub(crate) fn decode_outbox(owner: Owner, n: MessageId, value: &[u8]) -> Option<OutboxRow> {
    let pb::Outbox { user, fact } = pb::Outbox::decode(value).ok()?;
    let fact = match (owner, fact?) {
        (Owner::Conversation(conversation), pb::outbox::Fact::Membership(membership)) => {
            Fact::Membership { conversation, user: UserId(user), membership: membership_record(&membership) }
        }
        (Owner::User(user), pb::outbox::Fact::Block(block)) => {
            let pb::BlockFact { peer, blocked, version } = block;
            Fact::Block { user, peer: UserId(peer), blocked, version: MessageId(version) }
        }
        (Owner::User(_), pb::outbox::Fact::Membership(_)) | (Owner::Conversation(_), pb::outbox::Fact::Block(_)) => {
            return None;
        }
    };
    Some(OutboxRow { n, fact })
}

pub(crate) fn encode_partition(batch: &Batch, value: &mut Vec<u8>) {
    write(&pb::Partition { position: batch.position, last_id: batch.last_id.0, time_us: batch.time.0 }, value);
}

pub(crate) fn decode_partition(value: &[u8]) -> Option<(PartitionState, Timestamp)> {
    let message = pb::Partition::decode(value).ok()?;
    let state = PartitionState { position: message.position, last_id: MessageId(message.last_id) };
    Some((state, Timestamp(message.time_us)))
}

/// What a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoreRecord {
    pub(crate) format: u32,
    pub(crate) node_id: NodeId,
    pub(crate) log_epoch: u32,
}

pub(crate) fn encode_store(record: &StoreRecord, value: &mut Vec<u8>) {
    let StoreRecord { format, node_id, log_epoch } = *record;
    write(&pb::Store { format, node_id: node_id.0, log_epoch }, value);
}

pub(crate) fn decode_store(value: &[u8]) -> Option<StoreRecord> {
    let message = pb::Store::decode(value).ok()?;
    Some(StoreRecord { format: message.format, node_id: NodeId(message.node_id), log_epoch: message.log_epoch })
}

pub(crate) fn encode_slots(slots: &Slots, value: &mut Vec<u8>) {
    write(&pb::SlotTable { version: 1, partitions: slots.iter().map(|p| u32::from(p.0)).collect() }, value);
}

pub(crate) fn decode_slots(value: &[u8]) -> Option<Slots> {
    let message = pb::SlotTable::decode(value).ok()?;
    let numbers = message.partitions.iter().map(|&p| u8::try_from(p).ok().map(|p| PartitionId(u16::from(p))));
    numbers.collect::<Option<Vec<PartitionId>>>()?.try_into().ok()
}

/// How a run kept its promises, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunRecord {
    pub(crate) durability: Durability,
    /// Empty when it could not be read.
    pub(crate) boot_id: String,
    pub(crate) clean: bool,
}

pub(crate) fn encode_run(record: &RunRecord, value: &mut Vec<u8>) {
    let durability = match record.durability {
        Durability::Fsync => pb::Durability::Fsync,
        Durability::Os => pb::Durability::Os,
        Durability::None => pb::Durability::None,
    };
    let message = pb::Run { durability: durability.into(), boot_id: record.boot_id.clone(), clean: record.clean };
    write(&message, value);
}

pub(crate) fn decode_run(value: &[u8]) -> Option<RunRecord> {
    let message = pb::Run::decode(value).ok()?;
    let durability = match message.durability() {
        pb::Durability::Fsync => Durability::Fsync,
        pb::Durability::Os => Durability::Os,
        pb::Durability::None => Durability::None,
        pb::Durability::Unspecified => return None,
    };
    Some(RunRecord { durability, boot_id: message.boot_id, clean: message.clean })
}
