//! The operations of a RocksDB write batch, read from its bytes.
//!
//! The bindings' own walk does not know deletions of ranges, and ends silently where it meets one. The bytes are those
//! of RocksDB's log, whose format is fixed: a header of 12 bytes, then for each operation a tag, the number of its family
//! unless that is the default one, and its keys and values, each behind its length.

const HEADER_BYTES: usize = 12;

const DELETE_DEFAULT: u8 = 0x0;
const PUT_DEFAULT: u8 = 0x1;
const LOG_DATA: u8 = 0x3;
const DELETE: u8 = 0x4;
const PUT: u8 = 0x5;
const NOOP: u8 = 0xD;
const DELETE_RANGE: u8 = 0xE;
const DELETE_RANGE_DEFAULT: u8 = 0xF;

/// One operation, on the family of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation<'a> {
    Put(u32, &'a [u8], &'a [u8]),
    Delete(u32, &'a [u8]),
    /// From the first key on, as far as the second.
    DeleteRange(u32, &'a [u8], &'a [u8]),
}

/// Bytes that are no operation that this code writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record of the write-ahead log is not understood")]
pub(super) struct Unknown;

/// Walks over the operations of a batch; ends after an error.
pub(super) struct Operations<'a> {
    rest: &'a [u8],
}

impl<'a> Operations<'a> {
    pub(super) fn of(batch: &'a [u8]) -> Operations<'a> {
        Operations { rest: batch.get(HEADER_BYTES..).unwrap_or_default() }
    }

    fn read(&mut self) -> Result<Option<Operation<'a>>, Unknown> {
        let Some((&tag, rest)) = self.rest.split_first() else { return Ok(None) };
        self.rest = rest;
        match tag {
            NOOP => self.read(),
            LOG_DATA => {
                self.bytes()?;
                self.read()
            }
            PUT | PUT_DEFAULT => Ok(Some(Operation::Put(self.family(tag == PUT)?, self.bytes()?, self.bytes()?))),
            DELETE | DELETE_DEFAULT => Ok(Some(Operation::Delete(self.family(tag == DELETE)?, self.bytes()?))),
            DELETE_RANGE | DELETE_RANGE_DEFAULT => {
                let family = self.family(tag == DELETE_RANGE)?;
                Ok(Some(Operation::DeleteRange(family, self.bytes()?, self.bytes()?)))
            }
            _ => Err(Unknown),
        }
    }

    fn family(&mut self, named: bool) -> Result<u32, Unknown> {
        if named { self.number() } else { Ok(0) }
    }

    fn number(&mut self) -> Result<u32, Unknown> {
        let mut number = 0;
        for shift in (0..32).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(Unknown)?;
            self.rest = rest;
            number |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Unknown)
    }

    fn bytes(&mut self) -> Result<&'a [u8], Unknown> {
        let len = self.number()? as usize;
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(Unknown)?;
        self.rest = rest;
        Ok(bytes)
    }
}

impl<'a> Iterator for Operations<'a> {
    type Item = Result<Operation<'a>, Unknown>;

    fn next(&mut self) -> Option<Result<Operation<'a>, Unknown>> {
        let operation = self.read().transpose();
        if let Some(Err(_)) = operation {
            self.rest = &[];
        }
        operation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rocksdb::{DBWithThreadMode, Options, SingleThreaded, WriteBatch};

    /// The format is RocksDB's, so it is RocksDB that writes it here.
    #[test]
    fn the_operations_of_a_batch_come_back() {
        let directory = tempfile::tempdir().unwrap();
        let mut options = Options::default();
        options.create_if_missing(true);
        let mut db: DBWithThreadMode<SingleThreaded> = DBWithThreadMode::open(&options, directory.path()).unwrap();
        db.create_cf("one", &Options::default()).unwrap();
        let one = db.cf_handle("one").unwrap();
        let long = vec![7; 300];
        let mut batch = WriteBatch::default();
        batch.put_cf(one, b"a", &long);
        batch.delete_cf(one, b"b");
        batch.delete_range_cf(one, b"c", b"d");
        batch.put(b"e", b"");
        batch.delete(b"f");
        batch.delete_range(b"g", b"h");
        let found: Vec<Operation<'_>> = Operations::of(batch.data()).map(Result::unwrap).collect();
        let expected = [
            Operation::Put(1, b"a", &long),
            Operation::Delete(1, b"b"),
            Operation::DeleteRange(1, b"c", b"d"),
            Operation::Put(0, b"e", b""),
            Operation::Delete(0, b"f"),
            Operation::DeleteRange(0, b"g", b"h"),
        ];
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Operations::of(&bytes).count();
        }
    }
}
