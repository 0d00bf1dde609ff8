//! Answers to the core's reads, over either store's rows.

use crate::family::Family;
use crate::log::Log;
use crate::rows::{Missed, Rows};
use crate::{keys, operations, page, retention, stored};
use hubbub_core::ids::{Conversation, DeviceId, MessageId, PartitionId, Slot, UserId};
use hubbub_core::records::{
    OutboxRow, OwnedDevice, OwnedDevices, Read, ReadResult, StoredConversation, StoredPresence, StoredUser,
};

/// Where an answer may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// From memory alone, and quickly: long answers (members of a large group, say) are none of this tier's.
    Cached,
    /// From memory or the disk, so the call may block.
    Any,
}

pub(crate) fn answer(rows: &Rows<'_>, read: &Read) -> Result<ReadResult, Missed> {
    Ok(match read {
        Read::Conversation(conversation) => ReadResult::Conversation(read_conversation(rows, conversation)?),
        Read::User(user) => ReadResult::User(read_user(rows, *user)?),
        Read::Account(user) => {
            ReadResult::Account(rows.get(Family::Accounts, keys::account(*user), stored::decode_account)?)
        }
        Read::Email(email) => ReadResult::Email(rows.get(Family::Emails, keys::email(email), stored::decode_email)?),
        Read::Page(request) => ReadResult::Page(page::read(rows, request)?),
        Read::Authors { conversation, up_to, entries_max } => {
            ReadResult::Authors(Log::new(rows, conversation).authors(*up_to, *entries_max)?)
        }
        Read::MissingUsers(users) => ReadResult::MissingUsers(missing_users(rows, users)?),
        Read::Presence { users, watcher } => ReadResult::Presence(presence(rows, users, *watcher)?),
        Read::Acquaintance { user, peer } => ReadResult::Acquaintance {
            exists: has(rows, Family::Accounts, keys::account(*user))?,
            blocks: has(rows, Family::Blocks, keys::blocked(*user, *peer))?,
        },
        Read::Devices(users) => ReadResult::Devices(owned_devices(rows, users)?),
        Read::FindName { conversation, after, up_to, name } => {
            let mut log = Log::new(rows, conversation);
            let (found, oldest) = log.find_name(*after, *up_to, name)?;
            ReadResult::FindName { found, oldest }
        }
        Read::Target(request) => ReadResult::Target(operations::target(rows, request)?.map(Box::new)),
        Read::Expired(request) => ReadResult::Expired(Box::new(retention::expired(rows, request)?)),
        Read::Walk(request) => ReadResult::Walk(retention::walk(rows, request)?),
    })
}

fn read_conversation(rows: &Rows<'_>, conversation: &Conversation) -> Result<Option<Box<StoredConversation>>, Missed> {
    let key = keys::conversation(conversation);
    let Some(record) = rows.get(Family::Conversations, key, stored::decode_conversation)? else { return Ok(None) };
    let prefix = keys::all_of_conversation(conversation);
    let members = rows.scan(Family::Members, &prefix, |mut rest, value| {
        Some((UserId(keys::split_id(&mut rest)?), stored::decode_member(value)?))
    })?;
    let cursors = rows.scan(Family::Cursors, &prefix, |mut rest, value| {
        let (user, device) = (keys::split_id(&mut rest)?, keys::split_id(&mut rest)?);
        Some((UserId(user), DeviceId(device), stored::decode_cursor(value)?))
    })?;
    let (head, head_ordinal) = Log::new(rows, conversation).head()?;
    Ok(Some(Box::new(StoredConversation { record, members, cursors, head, head_ordinal })))
}

fn read_user(rows: &Rows<'_>, user: UserId) -> Result<Option<Box<StoredUser>>, Missed> {
    let Some(account) = rows.get(Family::Accounts, keys::account(user), stored::decode_account)? else {
        return Ok(None);
    };
    let memberships = rows.scan(Family::Memberships, &keys::all_of_user(user), |mut rest, value| {
        Some((keys::split_conversation(&mut rest)?, stored::decode_membership(value)?))
    })?;
    let devices = rows.scan(Family::Devices, &keys::all_of_user(user), |mut rest, value| {
        Some((DeviceId(keys::split_id(&mut rest)?), stored::decode_device(value)?))
    })?;
    let presence = rows.get(Family::Presence, keys::account(user), stored::decode_presence)?.unwrap_or_default();
    let blocked = rows.scan(Family::Blocks, &keys::all_of_user(user), |mut rest, value| {
        Some((UserId(keys::split_id(&mut rest)?), stored::decode_blocked(value)?))
    })?;
    Ok(Some(Box::new(StoredUser { account, devices, memberships, presence, blocked })))
}

fn has(rows: &Rows<'_>, family: Family, key: keys::Key) -> Result<bool, Missed> {
    Ok(rows.get(family, key, |_| Some(()))?.is_some())
}

fn presence(rows: &Rows<'_>, users: &[UserId], watcher: UserId) -> Result<Vec<StoredPresence>, Missed> {
    let of = |&user: &UserId| {
        let record = rows.get(Family::Presence, keys::account(user), stored::decode_presence)?.unwrap_or_default();
        Ok(StoredPresence { user, record, blocks: has(rows, Family::Blocks, keys::blocked(user, watcher))? })
    };
    users.iter().map(of).collect()
}

fn missing_users(rows: &Rows<'_>, users: &[UserId]) -> Result<Vec<UserId>, Missed> {
    if users.len() > rows.rows_max() {
        return Err(Missed::NotCached);
    }
    let mut missing = Vec::new();
    for &user in users {
        if !has(rows, Family::Accounts, keys::account(user))? {
            missing.push(user);
        }
    }
    Ok(missing)
}

fn owned_devices(rows: &Rows<'_>, users: &[UserId]) -> Result<Vec<OwnedDevices>, Missed> {
    if users.len() > rows.rows_max() {
        return Err(Missed::NotCached);
    }
    let of_user = |&user| {
        let account = rows.get(Family::Accounts, keys::account(user), stored::decode_account)?;
        let devices = rows.scan(Family::Devices, &keys::all_of_user(user), |mut rest, value| {
            let device = DeviceId(keys::split_id(&mut rest)?);
            Some(OwnedDevice::new(device, &stored::decode_device(value)?))
        })?;
        Ok(OwnedDevices::new(user, account.as_ref(), devices))
    };
    users.iter().map(of_user).collect()
}

/// The unconfirmed facts of a partition, in the order in which they were decided.
pub(crate) fn outbox(rows: &Rows<'_>, slots: &[PartitionId], partition: PartitionId) -> Result<Vec<OutboxRow>, Missed> {
    let mut found = Vec::new();
    for slot in (0..=u8::MAX).map(Slot).filter(|slot| slots[slot.0 as usize] == partition) {
        found.extend(rows.scan(Family::Outbox, &keys::all_of_slot(slot), |mut rest, value| {
            let owner = keys::split_owner(&mut rest)?;
            stored::decode_outbox(owner, MessageId(keys::split_id(&mut rest)?), value)
        })?);
    }
    found.sort_by_key(|row| row.n);
    Ok(found)
}
