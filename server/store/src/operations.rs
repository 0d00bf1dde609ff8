//! What is known of an entry that is to be edited, revoked or reacted to.

use crate::family::Family;
use crate::log::Log;
use crate::rows::{Missed, Rows};
use crate::{keys, stored};
use hubbub_core::ids::{Conversation, Seq, UserId};
use hubbub_core::records::{Block, Purpose, REACTION_USERS_SHOWN, Target, TargetRequest};

/// Most users' rows that are looked through for those who are named beside a count.
const OTHERS_LOOKED_AT_MAX: usize = 1_000;

/// `None` when there is no such entry.
pub(crate) fn target(rows: &Rows<'_>, request: &TargetRequest) -> Result<Option<Target>, Missed> {
    let TargetRequest { conversation, seq, ref purpose } = *request;
    let mut log = Log::new(rows, &conversation);
    let Some((header, kind)) = log.look_at(seq)? else { return Ok(None) };
    let mut target = Target {
        header,
        kind,
        edits: Vec::new(),
        own: Vec::new(),
        counts: Vec::new(),
        others: Vec::new(),
        blocks: Vec::new(),
    };
    match purpose {
        Purpose::Edit => target.edits = edits(rows, &conversation, seq)?,
        Purpose::React(user) => read_reactions(rows, &conversation, seq, *user, &mut target)?,
        Purpose::TakeBack(user, emoji) => {
            read_reactions(rows, &conversation, seq, *user, &mut target)?;
            target.others = others(rows, &conversation, seq, *user, emoji)?;
        }
        Purpose::Revoke => {
            target.edits = edits(rows, &conversation, seq)?;
            target.blocks = blocks(&mut log, seq, &target.edits)?;
        }
    }
    Ok(Some(target))
}

fn edits(rows: &Rows<'_>, conversation: &Conversation, seq: Seq) -> Result<Vec<Seq>, Missed> {
    let edit = rows.get(Family::Edits, keys::edit(conversation, seq), stored::decode_edit)?;
    Ok(edit.map(|edit| edit.seqs).unwrap_or_default())
}

fn read_reactions(
    rows: &Rows<'_>,
    conversation: &Conversation,
    seq: Seq,
    user: UserId,
    target: &mut Target,
) -> Result<(), Missed> {
    let of = |user| keys::reactions(conversation, seq, user);
    target.own = rows.get(Family::Reactions, of(user), stored::decode_reactions)?.unwrap_or_default();
    let counts = rows.get(Family::Reactions, of(keys::EVERYBODY), stored::decode_reaction_counts)?;
    target.counts = counts.unwrap_or_default();
    Ok(())
}

/// The first users but `user` who reacted with `emoji`, as far as a bounded look finds them.
fn others(
    rows: &Rows<'_>,
    conversation: &Conversation,
    seq: Seq,
    user: UserId,
    emoji: &str,
) -> Result<Vec<UserId>, Missed> {
    let prefix = keys::all_reactions(conversation, seq);
    let mut cursor = rows.cursor(Family::Reactions, &prefix);
    let mut found = Vec::new();
    cursor.seek(keys::reactions(conversation, seq, UserId(1)).as_ref());
    for _ in 0..OTHERS_LOOKED_AT_MAX {
        let Some((key, value)) = cursor.item()? else { break };
        let corrupt = || Missed::corrupt(Family::Reactions, key);
        let other = keys::split_id(&mut prefix.rest(key)).map(UserId).ok_or_else(corrupt)?;
        let emojis = stored::decode_reactions(value).ok_or_else(corrupt)?;
        if other != user && emojis.iter().any(|known| known == emoji) {
            found.push(other);
        }
        if found.len() == REACTION_USERS_SHOWN {
            break;
        }
        cursor.next();
    }
    Ok(found)
}

/// The blocks that hold an entry and its edits, each once.
fn blocks(log: &mut Log<'_>, seq: Seq, edits: &[Seq]) -> Result<Vec<Block>, Missed> {
    let mut found: Vec<Block> = Vec::new();
    for seq in std::iter::once(seq).chain(edits.iter().copied()) {
        if found.last().is_some_and(|block| (block.first..=block.last()).contains(&seq)) {
            continue;
        }
        log.seek_down(seq)?;
        if let Some(block) = log.block()?.filter(|block| block.last >= seq) {
            found.push(block.to_block());
        }
    }
    Ok(found)
}
