//! What a request costs its user, before anything is done about it.

use super::Shard;
use crate::budget::{BudgetIndex, Cost};
use crate::request::{Caller, Refusal, Request, SessionId};
use crate::sessions::User;

impl Shard {
    /// Charges a request to the user's budget.
    ///
    /// # Errors
    /// It is not admitted now.
    pub(super) fn charge(&mut self, caller: Caller, request: &Request) -> Result<(), Refusal> {
        let (cost, resend) = match request {
            Request::Append { append, .. } => (Cost::of(&append.action), append.resend),
            Request::CreateGroup { .. } | Request::CreateInvite { .. } | Request::RevokeInvites(_) => {
                (Cost::GroupOperation, false)
            }
            _ => return Ok(()),
        };
        match self.budget_of(caller.reply_to.session) {
            Some(budget) => self.budgets.get(budget).charge(cost, resend, &self.settings.user_rates, self.now),
            None => Ok(()),
        }
    }

    /// Where the budget of a session's user is. It is looked for once in a session's life.
    fn budget_of(&mut self, session: SessionId) -> Option<BudgetIndex> {
        let session = self.sessions.get(session)?;
        if session.budget.is_none()
            && let Some(User::Ready(user)) = self.users.get_mut(&session.user)
        {
            session.budget = Some(*user.budget.get_or_insert_with(|| self.budgets.insert()));
        }
        session.budget
    }
}
