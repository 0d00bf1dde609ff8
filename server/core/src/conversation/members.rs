//! Who belongs to a conversation, and did.

use crate::ids::{Seq, UserId};
use crate::records::{MemberRecord, MutedUntil, Role, Span};

/// Up to so many new members are put in their places one by one; more are merged.
const INSERTED_ONE_BY_ONE_MAX: usize = 8;

/// Members, past and present, by user id.
#[derive(Debug, Default)]
pub(crate) struct Members {
    rows: Vec<(UserId, MemberRecord)>,
    present: usize,
}

impl Members {
    pub(super) fn from_stored(mut rows: Vec<(UserId, MemberRecord)>) -> Members {
        rows.retain(|(_, member)| !member.spans.is_empty());
        rows.sort_unstable_by_key(|(user, _)| *user);
        let present = rows.iter().filter(|(_, member)| is_present(member)).count();
        Members { rows, present }
    }

    fn position(&self, user: UserId) -> Result<usize, usize> {
        self.rows.binary_search_by_key(&user, |(user, _)| *user)
    }

    /// Past or present member.
    pub(crate) fn get(&self, user: UserId) -> Option<&MemberRecord> {
        self.position(user).ok().map(|at| &self.rows[at].1)
    }

    /// Present member.
    pub(crate) fn present(&self, user: UserId) -> Option<&MemberRecord> {
        self.get(user).filter(|member| is_present(member))
    }

    /// How many are present.
    pub(crate) fn count(&self) -> usize {
        self.present
    }

    /// Present members with an id above `after`, ascending.
    pub(crate) fn iter_after(&self, after: UserId) -> impl Iterator<Item = &(UserId, MemberRecord)> {
        let start = self.rows.partition_point(|(user, _)| *user <= after);
        self.rows[start..].iter().filter(|(_, member)| is_present(member))
    }

    /// Opens a span for each of these users, none of whom may be present.
    pub(crate) fn join(&mut self, users: &[UserId], joined: Seq, role: impl Fn(UserId) -> Role) {
        self.present += users.len();
        let span = Span { joined, left: None };
        let mut strangers = Vec::new();
        for &user in users {
            match self.position(user) {
                Ok(at) => {
                    let member = &mut self.rows[at].1;
                    member.role = role(user);
                    member.spans.push(span);
                }
                Err(_) => {
                    let row = MemberRecord { role: role(user), muted_until: MutedUntil::NO, spans: vec![span] };
                    strangers.push((user, row));
                }
            }
        }
        self.insert(strangers);
    }

    fn insert(&mut self, rows: Vec<(UserId, MemberRecord)>) {
        if self.rows.is_empty() {
            self.rows = rows;
            self.rows.sort_unstable_by_key(|(user, _)| *user);
        } else if rows.len() <= INSERTED_ONE_BY_ONE_MAX {
            for row in rows {
                let at = self.rows.partition_point(|(user, _)| *user < row.0);
                self.rows.insert(at, row);
            }
        } else {
            // The stable sort finds both sorted stretches and merges them: one pass, however many are new.
            self.rows.extend(rows);
            self.rows.sort_by_key(|(user, _)| *user);
        }
    }

    /// Closes the span of a present member: `left` is the first seq they do not see.
    pub(crate) fn leave(&mut self, user: UserId, left: Seq) {
        let at = self.position(user).expect("the caller has seen the member");
        self.present -= 1;
        let member = &mut self.rows[at].1;
        member.role = Role::Member;
        member.spans.last_mut().expect("members have spans").left = Some(left);
    }

    /// Closes the spans of everybody: `left` is the first seq they do not see. Returns who was present.
    pub(crate) fn leave_all(&mut self, left: Seq) -> Vec<UserId> {
        let mut gone = Vec::with_capacity(self.present);
        for (user, member) in self.rows.iter_mut().filter(|(_, member)| is_present(member)) {
            member.role = Role::Member;
            member.spans.last_mut().expect("members have spans").left = Some(left);
            gone.push(*user);
        }
        self.present = 0;
        gone
    }

    /// The row of a present member.
    pub(crate) fn present_mut(&mut self, user: UserId) -> Option<&mut MemberRecord> {
        let at = self.position(user).ok()?;
        Some(&mut self.rows[at].1).filter(|member| is_present(member))
    }
}

fn is_present(member: &MemberRecord) -> bool {
    member.spans.last().is_some_and(|span| span.left.is_none())
}
