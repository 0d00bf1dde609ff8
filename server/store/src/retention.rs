//! What retention may take away from a log, and the walk over conversations that are not in memory.

use crate::block::StoredBlock;
use crate::family::Family;
use crate::log::Log;
use crate::rows::{Missed, Rows};
use crate::{keys, stored};
use hubbub_core::ids::{Conversation, Seq, Timestamp};
use hubbub_core::records::{Expired, ExpiryRequest, WalkRequest, Walked};

pub(crate) fn expired(rows: &Rows<'_>, request: &ExpiryRequest) -> Result<Expired, Missed> {
    let mut log = Log::new(rows, &request.conversation);
    let mut found = Expired::default();
    log.seek(request.dropped.next())?;
    let mut removed = 0;
    while let Some(block) = log.block()? {
        if !is_removable(&log, &block, request)? {
            break;
        }
        if removed == request.removed_max {
            // What follows may be removable as well: it need not lose its bodies first.
            found.more = true;
            return Ok(found);
        }
        found.removable = Some((block.last, block.last_ordinal));
        removed += 1;
        log.next();
    }
    take_blocks(&mut log, request, &mut found)?;
    Ok(found)
}

/// The blocks above the floor that lose their bodies.
fn take_blocks(log: &mut Log<'_>, request: &ExpiryRequest, found: &mut Expired) -> Result<(), Missed> {
    let removed = found.removable.map_or(Seq(0), |(seq, _)| seq);
    log.seek(request.floor.max(removed).next())?;
    let mut bytes = 0;
    while let Some(block) = log.block()? {
        if !is_expired(log, &block, request)? {
            break;
        }
        bytes += block.bytes();
        if found.blocks.len() == request.blocks_max || (bytes > request.bytes_max && !found.blocks.is_empty()) {
            found.more = true;
            break;
        }
        found.blocks.push(block.to_block());
        log.next();
    }
    Ok(())
}

fn is_removable(log: &Log<'_>, block: &StoredBlock<'_>, request: &ExpiryRequest) -> Result<bool, Missed> {
    Ok(block.last < request.head
        && (block.last <= request.floor || is_expired(log, block, request)?)
        && newest(log, block)? < request.headers_before)
}

fn is_expired(log: &Log<'_>, block: &StoredBlock<'_>, request: &ExpiryRequest) -> Result<bool, Missed> {
    Ok(block.last <= request.up_to && newest(log, block)? < request.before)
}

/// When the newest entry of a block was decided. A clock may have stepped back in the middle.
fn newest(log: &Log<'_>, block: &StoredBlock<'_>) -> Result<Timestamp, Missed> {
    block.newest().ok_or_else(|| log.corrupt(block.first))
}

pub(crate) fn walk(rows: &Rows<'_>, request: &WalkRequest) -> Result<Vec<Walked>, Missed> {
    let prefix = keys::all_of_slot(request.slot);
    let mut cursor = rows.cursor(Family::Conversations, &prefix);
    let mut found = Vec::new();
    let after = request.after.as_ref().map(keys::conversation);
    cursor.seek(after.as_ref().map_or(prefix.lower.as_ref(), AsRef::as_ref));
    while let Some((key, value)) = cursor.item()? {
        if found.len() == request.limit {
            break;
        }
        if after.is_none_or(|after| after.as_ref() != key) {
            let corrupt = || Missed::corrupt(Family::Conversations, key);
            let conversation = keys::split_conversation(&mut prefix.rest(key)).ok_or_else(corrupt)?;
            let retention = stored::decode_retention(value).ok_or_else(corrupt)?;
            found.push(Walked { conversation, retention, oldest: oldest(rows, &conversation)? });
        }
        cursor.next();
    }
    Ok(found)
}

fn oldest(rows: &Rows<'_>, conversation: &Conversation) -> Result<Option<Timestamp>, Missed> {
    let mut log = Log::new(rows, conversation);
    log.seek(Seq(1))?;
    let Some(block) = log.block()? else { return Ok(None) };
    newest(&log, &block).map(Some)
}
