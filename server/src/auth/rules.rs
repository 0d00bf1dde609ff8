//! What names, e-mail addresses and passwords may look like.
//!
//! Each rule that is broken is a sentence for the person who typed, behind the field that it is about. What was typed
//! is in no error.

use unicode_normalization::UnicodeNormalization as _;

use super::password::Password;

/// Most characters of a name, after composing (NFC).
pub const NAME_CHARS_MAX: usize = 64;
/// Longest e-mail address, in bytes (RFC 3696, erratum 1690).
pub const EMAIL_BYTES_MAX: usize = 254;
/// Longest part of it before the @, in bytes.
const EMAIL_LOCAL_BYTES_MAX: usize = 64;
/// Longest label of a domain, in bytes.
const DOMAIN_LABEL_BYTES_MAX: usize = 63;
/// Most characters of a password.
pub const PASSWORD_CHARS_MAX: usize = 128;

/// Which field breaks which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct Violation {
    /// The field as the protocol names it, such as `register.email`.
    pub field: &'static str,
    /// The rule.
    pub rule: Rule,
}

/// A rule that can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what they mean")]
pub enum Rule {
    #[error("a name is needed")]
    NameMissing,
    #[error("a name has at most {NAME_CHARS_MAX} characters")]
    NameTooLong,
    #[error("a name has no white space at its ends")]
    NamePadded,
    #[error("a name has no control characters")]
    NameControl,
    #[error("an e-mail address is needed")]
    EmailMissing,
    #[error("an e-mail address has at most {EMAIL_BYTES_MAX} bytes")]
    EmailTooLong,
    #[error("an e-mail address has exactly one @")]
    EmailAt,
    #[error("the part before the @ has 1 to {EMAIL_LOCAL_BYTES_MAX} characters")]
    EmailLocalLength,
    #[error("the part before the @ has only printable ASCII characters and no white space")]
    EmailLocalCharacters,
    #[error("the part after the @ is a domain of at least two labels, such as example.org")]
    EmailDomainLabels,
    #[error(
        "each label of the domain has 1 to {DOMAIN_LABEL_BYTES_MAX} letters, digits and hyphens, and no hyphen at its ends"
    )]
    EmailDomainLabel,
    #[error("write the domain with ASCII characters only: an international one in its xn-- form (Punycode)")]
    EmailDomainInternational,
    #[error("a password has at least {chars_min} characters")]
    PasswordTooShort { chars_min: u32 },
    #[error("a password has at most {PASSWORD_CHARS_MAX} characters")]
    PasswordTooLong,
    #[error("the password must not be the e-mail address")]
    PasswordIsEmail,
    #[error("the password must not be the name")]
    PasswordIsName,
}

impl Rule {
    fn at(self, field: &'static str) -> Violation {
        Violation { field, rule: self }
    }
}

/// An e-mail address in the one form in which it is compared and kept: without white space around it, in lower case.
/// It does not show.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// The address, for keeping.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(hidden)")
    }
}

/// A name in composed form (NFC), if it may be one.
///
/// # Errors
/// The rule that it breaks.
pub fn name(field: &'static str, text: &str) -> Result<String, Violation> {
    // One more than may be is enough to know: a long text costs no more than a short one.
    let name: String = text.nfc().take(NAME_CHARS_MAX + 1).collect();
    let rule = match name.chars().count() {
        0 => Rule::NameMissing,
        count if count > NAME_CHARS_MAX => Rule::NameTooLong,
        _ if name.chars().any(char::is_control) => Rule::NameControl,
        _ if name.trim().len() != name.len() => Rule::NamePadded,
        _ => return Ok(name),
    };
    Err(rule.at(field))
}

/// An e-mail address in its one form, if it may be one.
///
/// # Errors
/// The rule that it breaks.
pub fn email(field: &'static str, text: &str) -> Result<Email, Violation> {
    let text = text.trim();
    check_email(text).map_err(|rule| rule.at(field))?;
    Ok(Email(text.to_ascii_lowercase()))
}

fn check_email(text: &str) -> Result<(), Rule> {
    match text.len() {
        0 => return Err(Rule::EmailMissing),
        1..=EMAIL_BYTES_MAX => {}
        _ => return Err(Rule::EmailTooLong),
    }
    let (local, domain) = text.split_once('@').ok_or(Rule::EmailAt)?;
    if domain.contains('@') {
        return Err(Rule::EmailAt);
    }
    if !(1..=EMAIL_LOCAL_BYTES_MAX).contains(&local.len()) {
        return Err(Rule::EmailLocalLength);
    }
    if !local.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Rule::EmailLocalCharacters);
    }
    check_domain(domain)
}

fn check_domain(domain: &str) -> Result<(), Rule> {
    if !domain.is_ascii() {
        return Err(Rule::EmailDomainInternational);
    }
    if !domain.contains('.') {
        return Err(Rule::EmailDomainLabels);
    }
    if domain.split('.').all(is_label) { Ok(()) } else { Err(Rule::EmailDomainLabel) }
}

fn is_label(label: &str) -> bool {
    (1..=DOMAIN_LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether a password may be one; `chars_min` is `auth.password_chars_min`. `email` and `name` are those of the same
/// account, empty where there is none.
///
/// # Errors
/// The rule that it breaks.
pub fn password(
    field: &'static str,
    password: &Password,
    chars_min: u32,
    email: &str,
    name: &str,
) -> Result<(), Violation> {
    let text = password.expose();
    let rule = match text.chars().take(PASSWORD_CHARS_MAX + 1).count() {
        count if count < chars_min as usize => Rule::PasswordTooShort { chars_min },
        count if count > PASSWORD_CHARS_MAX => Rule::PasswordTooLong,
        _ if same(text, email) => Rule::PasswordIsEmail,
        _ if same(text, name) => Rule::PasswordIsName,
        _ => return Ok(()),
    };
    Err(rule.at(field))
}

/// Whether two texts differ at most in case. Makes no copy of either.
fn same(a: &str, b: &str) -> bool {
    a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_may_be() {
        for (text, kept) in [
            ("A", "A"),
            ("Ada Lovelace", "Ada Lovelace"),
            ("Zoe\u{308}", "Zo\u{eb}"),
            ("山田 太郎", "山田 太郎"),
            ("👩‍🔬", "👩‍🔬"),
            (&"x".repeat(64), &"x".repeat(64)),
            (&"e\u{301}".repeat(64), &"\u{e9}".repeat(64)),
        ] {
            assert_eq!(name("register.name", text).as_deref(), Ok(kept));
        }
    }

    #[test]
    fn names_that_may_not_be() {
        for (text, rule) in [
            ("", Rule::NameMissing),
            (&"x".repeat(65), Rule::NameTooLong),
            (&"\u{301}".repeat(60_000), Rule::NameTooLong),
            (" Ada", Rule::NamePadded),
            ("Ada\u{a0}", Rule::NamePadded),
            ("   ", Rule::NamePadded),
            ("A\0da", Rule::NameControl),
            ("Ada\n", Rule::NameControl),
            ("A\u{85}da", Rule::NameControl),
        ] {
            assert_eq!(name("register.name", text), Err(Violation { field: "register.name", rule }), "{text:?}");
        }
    }

    #[test]
    fn addresses_have_one_form() {
        for (text, kept) in [
            ("ada@example.org", "ada@example.org"),
            (" \tAda@Example.ORG\r\n", "ada@example.org"),
            ("a.b+c!#$%&'*/=?^_`{|}~-@x-1.co", "a.b+c!#$%&'*/=?^_`{|}~-@x-1.co"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
            ("a@1.2", "a@1.2"),
            (&format!("{}@example.org", "x".repeat(64)), &format!("{}@example.org", "x".repeat(64))),
        ] {
            assert_eq!(email("register.email", text).as_ref().map(Email::as_str), Ok(kept));
        }
    }

    #[test]
    fn addresses_that_may_not_be() {
        let long = format!("a@{}.org", vec!["x".repeat(60); 5].join("."));
        for (text, rule) in [
            ("", Rule::EmailMissing),
            ("  ", Rule::EmailMissing),
            (long.as_str(), Rule::EmailTooLong),
            ("example.org", Rule::EmailAt),
            ("a@b@example.org", Rule::EmailAt),
            ("@example.org", Rule::EmailLocalLength),
            (&format!("{}@example.org", "x".repeat(65)), Rule::EmailLocalLength),
            ("a b@example.org", Rule::EmailLocalCharacters),
            ("a\u{7f}@example.org", Rule::EmailLocalCharacters),
            ("\u{e4}@example.org", Rule::EmailLocalCharacters),
            ("a@", Rule::EmailDomainLabels),
            ("a@localhost", Rule::EmailDomainLabels),
            ("a@example..org", Rule::EmailDomainLabel),
            ("a@.org", Rule::EmailDomainLabel),
            ("a@example.org.", Rule::EmailDomainLabel),
            ("a@-x.org", Rule::EmailDomainLabel),
            ("a@x-.org", Rule::EmailDomainLabel),
            ("a@x_y.org", Rule::EmailDomainLabel),
            ("a@x y.org", Rule::EmailDomainLabel),
            (&format!("a@{}.org", "x".repeat(64)), Rule::EmailDomainLabel),
            ("a@b\u{fc}cher.example", Rule::EmailDomainInternational),
        ] {
            assert_eq!(email("login.email", text), Err(Violation { field: "login.email", rule }), "{text:?}");
        }
    }

    #[test]
    fn passwords_have_a_length_and_are_no_other_thing_of_the_account() {
        let check = |text: &str| {
            let typed = Password::new(text.to_owned());
            password("register.password", &typed, 8, "ada@example.org", "Ada Lovelace").map_err(|error| error.rule)
        };
        for text in ["12345678", "pass word", "ääääöööö", &"x".repeat(128), "ada@example.or"] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for (text, rule) in [
            ("1234567", Rule::PasswordTooShort { chars_min: 8 }),
            ("ääää", Rule::PasswordTooShort { chars_min: 8 }),
            (&"x".repeat(129), Rule::PasswordTooLong),
            ("Ada@Example.Org", Rule::PasswordIsEmail),
            ("ADA lovelace", Rule::PasswordIsName),
        ] {
            assert_eq!(check(text), Err(rule), "{text}");
        }
    }

    #[test]
    fn an_error_names_the_field_and_shows_nothing_else_that_was_typed() {
        let error = email("register.email", "who@nowhere").unwrap_err().to_string();
        assert_eq!(
            error,
            "register.email: the part after the @ is a domain of at least two labels, such as example.org"
        );
        let short = password("change_password.new", &Password::new("hunter2".to_owned()), 8, "", "").unwrap_err();
        assert_eq!(short.to_string(), "change_password.new: a password has at least 8 characters");
        assert_eq!(format!("{:?}", email("x", "ada@example.org").unwrap()), "Email(hidden)");
    }
}
