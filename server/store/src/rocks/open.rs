//! Opening: refuses what is not ours or not understood, before it touches it; makes a new store otherwise.

use super::{Db, Rocks, Writes, figures, handle, run, says_full, tuning};
use crate::family::Family;
use crate::keys;
use crate::options::{NodeId, Options};
use crate::partitions::{Partitions, Slots};
use crate::stored::{self, RunRecord, StoreRecord};
use hubbub_core::ids::PartitionId;
use hubbub_core::records::PartitionState;
use hubbub_core::slots::{SLOTS, SlotTable};
use parking_lot::RwLock;
use rocksdb::{Cache, DEFAULT_COLUMN_FAMILY_NAME, WriteBatch};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

/// Version of keys and values that this code reads and writes.
const FORMAT: u32 = 1;

/// Why a store cannot be opened. Each message names the directory and the way out.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An option is out of its range.
    #[error("a store cannot be divided into {0} partitions; choose 1 to 256")]
    Partitions(u16),
    /// Another process has it open.
    #[error("{path}: another process has this store open; stop it, or choose another data directory")]
    Locked {
        /// The data directory.
        path: PathBuf,
    },
    /// A newer version wrote it.
    #[error(
        "{path}: the store has format {found}, and this version knows format {FORMAT}; start the version that wrote \
         it, or restore a backup of format {FORMAT}"
    )]
    Format {
        /// The data directory.
        path: PathBuf,
        /// The version found.
        found: u32,
    },
    /// A newer version wrote it.
    #[error("{path}: the store has an unknown column family `{family}`; start the version that wrote it")]
    Family {
        /// The data directory.
        path: PathBuf,
        /// The family found.
        family: String,
    },
    /// Somebody else's database.
    #[error("{path}: this is a RocksDB database without a Hubbub node id; choose an empty directory, or the right one")]
    Foreign {
        /// The data directory.
        path: PathBuf,
    },
    /// Another node's store.
    #[error("{path}: the store belongs to node {found}, not {expected}; choose that node's data directory")]
    Node {
        /// The data directory.
        path: PathBuf,
        /// Whose it is.
        found: NodeId,
        /// Whose it should be.
        expected: NodeId,
    },
    /// Damaged.
    #[error("{path}: the store is damaged ({what}); restore a backup, and keep this directory for examination")]
    Corrupt {
        /// The data directory.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The file system has no space left.
    #[error("{path}: no space left for the store ({what}); free some, and start again")]
    Full {
        /// The data directory.
        path: PathBuf,
        /// What the system says.
        what: String,
    },
    /// Anything else that the system says.
    #[error("{path}: the store cannot be opened: {what}")]
    Io {
        /// The data directory.
        path: PathBuf,
        /// What the system says.
        what: String,
    },
}

impl OpenError {
    fn corrupt(path: &Path, what: impl Into<String>) -> OpenError {
        OpenError::Corrupt { path: path.to_owned(), what: what.into() }
    }

    fn of_rocks(path: &Path, error: rocksdb::Error) -> OpenError {
        let (path, kind, what) = (path.to_owned(), error.kind(), error.into_string());
        if what.contains("lock file") || what.contains("lock hold by current process") {
            OpenError::Locked { path }
        } else if says_full(&what) {
            OpenError::Full { path, what }
        } else if kind == rocksdb::ErrorKind::Corruption {
            OpenError::Corrupt { path, what }
        } else {
            OpenError::Io { path, what }
        }
    }
}

impl Rocks {
    pub(crate) fn open(options: Options) -> Result<Rocks, OpenError> {
        if !(1..=SLOTS as u16).contains(&options.partitions) {
            return Err(OpenError::Partitions(options.partitions));
        }
        let path = &options.path;
        fs::create_dir_all(path).map_err(|error| OpenError::Io { path: path.clone(), what: error.to_string() })?;
        inspect(path)?;
        let cache = Cache::new_lru_cache(options.cache_bytes);
        let families = tuning::families(&options, &cache);
        let mut database = tuning::database(&options);
        figures::count(&mut database);
        let db =
            Db::open_cf_descriptors(&database, path, families).map_err(|error| OpenError::of_rocks(path, error))?;
        start(db, database, cache, options)
    }
}

/// Looks at a directory without changing it.
fn inspect(path: &Path) -> Result<(), OpenError> {
    if !path.join("CURRENT").exists() {
        return if has_database_files(path) {
            Err(OpenError::corrupt(path, "the file CURRENT is missing"))
        } else {
            Ok(())
        };
    }
    let options = rocksdb::Options::default();
    let found = Db::list_cf(&options, path).map_err(|error| OpenError::of_rocks(path, error))?;
    let known = |name: &String| name == DEFAULT_COLUMN_FAMILY_NAME || Family::ALL.iter().any(|f| f.name() == name);
    let ours = found.iter().any(|name| name == Family::Meta.name());
    match found.into_iter().find(|name| !known(name)) {
        Some(family) if ours => Err(OpenError::Family { path: path.to_owned(), family }),
        Some(_) => Err(OpenError::Foreign { path: path.to_owned() }),
        None if ours => Ok(()),
        None => check_unused(path),
    }
}

fn has_database_files(path: &Path) -> bool {
    let Ok(files) = fs::read_dir(path) else { return false };
    let of_database = |name: &str| name.starts_with("MANIFEST-") || name.ends_with(".sst") || name.ends_with(".log");
    files.flatten().any(|file| of_database(&file.file_name().to_string_lossy()))
}

/// Without `meta` it is somebody else's, or a store whose making was interrupted, which holds nothing.
fn check_unused(path: &Path) -> Result<(), OpenError> {
    let db = Db::open_for_read_only(&rocksdb::Options::default(), path, false)
        .map_err(|error| OpenError::of_rocks(path, error))?;
    if db.latest_sequence_number() != 0 {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    Ok(())
}

fn start(db: Db, statistics: rocksdb::Options, cache: Cache, options: Options) -> Result<Rocks, OpenError> {
    let path = options.path.clone();
    let boot_id = run::boot_id(&options);
    let (mut store, slots) = match get(&db, &path, keys::STORE, stored::decode_store)? {
        Some(store) => (store, check(&db, &options, &store)?),
        None if db.latest_sequence_number() == 0 => (make(&path)?, *SlotTable::even(options.partitions, 1).slots()),
        None => return Err(OpenError::Foreign { path }),
    };
    if let Some(last) = get(&db, &path, keys::RUN, stored::decode_run)? {
        store.log_epoch += u32::from(run::may_have_lost(&last, &boot_id));
    }
    let this = RunRecord { durability: options.durability, boot_id: boot_id.clone(), clean: false };
    write_start(&db, &store, &slots, &this).map_err(|error| OpenError::of_rocks(&path, error))?;
    let states = read_states(&db, &path, &slots)?;
    Ok(Rocks {
        partitions: Partitions::new(slots, states),
        node_id: store.node_id,
        log_epoch: store.log_epoch,
        writes: Writes::new(options.durability),
        durability: options.durability,
        closed: RwLock::new(false),
        stalls: AtomicU64::new(0),
        path,
        db,
        boot_id,
        cache,
        cache_bytes_max: options.cache_bytes,
        statistics,
    })
}

fn get<T>(db: &Db, path: &Path, key: &[u8], decode: impl FnOnce(&[u8]) -> Option<T>) -> Result<Option<T>, OpenError> {
    let value = db.get_cf(handle(db, Family::Meta), key).map_err(|error| OpenError::of_rocks(path, error))?;
    let damaged = || OpenError::corrupt(path, format!("row `{}` of `meta`", String::from_utf8_lossy(key)));
    value.map(|value| decode(&value).ok_or_else(damaged)).transpose()
}

fn check(db: &Db, options: &Options, store: &StoreRecord) -> Result<Slots, OpenError> {
    let path = &options.path;
    if store.format != FORMAT {
        return Err(OpenError::Format { path: path.clone(), found: store.format });
    }
    if let Some(expected) = options.node_id.filter(|&expected| expected != store.node_id) {
        return Err(OpenError::Node { path: path.clone(), found: store.node_id, expected });
    }
    let slots = get(db, path, keys::SLOT_TABLE, stored::decode_slots)?;
    slots.ok_or_else(|| OpenError::corrupt(path, "there is no slot table"))
}

fn make(path: &Path) -> Result<StoreRecord, OpenError> {
    let node_id = getrandom::u64()
        .map_err(|error| OpenError::Io { path: path.to_owned(), what: format!("no random node id: {error}") })?;
    Ok(StoreRecord { format: FORMAT, node_id: NodeId(node_id), log_epoch: 1 })
}

/// In one durable write: what the store is, and that a run has begun which has not ended cleanly.
fn write_start(db: &Db, store: &StoreRecord, slots: &Slots, this: &RunRecord) -> Result<(), rocksdb::Error> {
    let meta = handle(db, Family::Meta);
    let mut rows = WriteBatch::default();
    let mut value = Vec::new();
    stored::encode_store(store, &mut value);
    rows.put_cf(meta, keys::STORE, &value);
    if db.get_pinned_cf(meta, keys::SLOT_TABLE)?.is_none() {
        stored::encode_slots(slots, &mut value);
        rows.put_cf(meta, keys::SLOT_TABLE, &value);
    }
    stored::encode_run(this, &mut value);
    rows.put_cf(meta, keys::RUN, &value);
    db.write_opt(rows, &run::durable())
}

fn read_states(db: &Db, path: &Path, slots: &Slots) -> Result<Vec<PartitionState>, OpenError> {
    let last = slots.iter().copied().max().unwrap_or_default();
    let state = |number| {
        let key = keys::partition(PartitionId(number));
        let state = get(db, path, key.as_ref(), stored::decode_partition)?;
        Ok(state.map(|(state, _)| state).unwrap_or_default())
    };
    (0..=last.0).map(state).collect()
}
