//! Rows by key, whichever store holds them: what all reading is written on.
//!
//! One `Rows` is one consistent view. A view of the cache alone answers [`Missed::NotCached`] rather than wait for
//! the disk.

use crate::family::Family;
use crate::keys::{Key, Prefix};
use crate::memory::{MemoryCursor, Tables};
use crate::rocks::{RocksCursor, RocksView};

/// Why a store cannot answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// What RocksDB says.
    #[error("the store cannot read: {0}")]
    Io(String),
    /// A row that is not what its family holds.
    #[error("a row of `{family}` is damaged, at key {}", hex(key))]
    Corrupt {
        /// Which family.
        family: Family,
        /// Its key.
        key: Vec<u8>,
    },
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why a view has no answer.
#[derive(Debug)]
pub(crate) enum Missed {
    /// It is not in memory, and only memory may be asked.
    NotCached,
    /// It cannot be read at all.
    Failed(ReadError),
}

impl Missed {
    pub(crate) fn corrupt(family: Family, key: &[u8]) -> Missed {
        Missed::Failed(ReadError::Corrupt { family, key: key.to_vec() })
    }
}

/// Who asks memory alone must not wait, so it gets no long answers either: whoever may wait makes them.
const CACHED_ROWS_MAX: usize = 512;

/// A key and its value.
pub(crate) type Row<'a> = (&'a [u8], &'a [u8]);

/// A consistent view of all rows.
pub(crate) enum Rows<'a> {
    Rocks(RocksView<'a>),
    Memory(&'a Tables),
}

impl<'a> Rows<'a> {
    /// Most rows of one answer.
    pub(crate) fn rows_max(&self) -> usize {
        match self {
            Rows::Rocks(view) if view.is_cached() => CACHED_ROWS_MAX,
            _ => usize::MAX,
        }
    }

    /// Reads one row and decodes it.
    pub(crate) fn get<T>(
        &self,
        family: Family,
        key: Key,
        decode: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, Missed> {
        let decoded = |value: &[u8]| decode(value).ok_or_else(|| Missed::corrupt(family, key.as_ref()));
        match self {
            Rows::Rocks(view) => view.get(family, key.as_ref())?.map(|value| decoded(&value)).transpose(),
            Rows::Memory(tables) => tables.get(family, key.as_ref()).map(decoded).transpose(),
        }
    }

    /// A cursor over the rows of a family that start with a prefix.
    pub(crate) fn cursor<'b>(&'b self, family: Family, prefix: &Prefix) -> Cursor<'b>
    where
        'a: 'b,
    {
        let (lower, upper) = (prefix.lower.as_ref(), prefix.upper.as_ref());
        match self {
            Rows::Rocks(view) => Cursor::Rocks(view.cursor(family, lower, upper)),
            Rows::Memory(tables) => Cursor::Memory(tables.cursor(family, lower, upper)),
        }
    }

    /// Decodes all rows of a family that start with a prefix; `decode` gets the key's rest and the value.
    pub(crate) fn scan<T>(
        &self,
        family: Family,
        prefix: &Prefix,
        mut decode: impl FnMut(&[u8], &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, Missed> {
        let mut found = Vec::new();
        let mut cursor = self.cursor(family, prefix);
        cursor.seek(prefix.lower.as_ref());
        while let Some((key, value)) = cursor.item()? {
            if found.len() >= self.rows_max() {
                return Err(Missed::NotCached);
            }
            found.push(decode(prefix.rest(key), value).ok_or_else(|| Missed::corrupt(family, key))?);
            cursor.next();
        }
        Ok(found)
    }
}

/// A position among rows. Moving past either end leaves it nowhere.
pub(crate) enum Cursor<'a> {
    Rocks(RocksCursor<'a>),
    Memory(MemoryCursor<'a>),
}

impl Cursor<'_> {
    /// Moves to the first row at or after `key`.
    pub(crate) fn seek(&mut self, key: &[u8]) {
        match self {
            Cursor::Rocks(cursor) => cursor.seek(key),
            Cursor::Memory(cursor) => cursor.seek(key),
        }
    }

    /// Moves to the last row at or before `key`.
    pub(crate) fn seek_for_prev(&mut self, key: &[u8]) {
        match self {
            Cursor::Rocks(cursor) => cursor.seek_for_prev(key),
            Cursor::Memory(cursor) => cursor.seek_for_prev(key),
        }
    }

    pub(crate) fn next(&mut self) {
        match self {
            Cursor::Rocks(cursor) => cursor.next(),
            Cursor::Memory(cursor) => cursor.next(),
        }
    }

    pub(crate) fn prev(&mut self) {
        match self {
            Cursor::Rocks(cursor) => cursor.prev(),
            Cursor::Memory(cursor) => cursor.prev(),
        }
    }

    /// Key and value here; `None` when the cursor is nowhere.
    pub(crate) fn item(&self) -> Result<Option<Row<'_>>, Missed> {
        match self {
            Cursor::Rocks(cursor) => cursor.item(),
            Cursor::Memory(cursor) => Ok(cursor.item()),
        }
    }
}
