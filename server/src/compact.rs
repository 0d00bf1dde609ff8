//! `hubbub compact`: has the bodies of revoked, expired and replaced entries gone from disk now, while no server runs.
//!
//! A running server gets there by itself, in time; an operator who must know that something is gone runs this. It changes
//! nothing that anybody could read.

use crate::config::Config;
use crate::serve;
use anyhow::Context as _;
use hubbub_store::Store;
use std::io::Write;
use std::path::Path;

/// Compacts the store of a configuration, and says on `out` what that freed.
///
/// # Errors
/// There is no store, a server has it open, or it cannot be written.
pub fn run(config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
    let path = serve::store_path(config);
    anyhow::ensure!(
        path.join("CURRENT").exists(),
        "{}: there is no store; say where it is with --data-dir or --config",
        path.display()
    );
    let before = bytes_in(&path)?;
    let options = serve::store_options(config, u32::try_from(config.storage.files_max).unwrap_or(0));
    let store = Store::open(options).context("the store cannot be opened")?;
    store.compact().context("the store cannot be compacted")?;
    store.close().context("the store could not be closed cleanly; nothing acknowledged is lost")?;
    drop(store);
    let after = bytes_in(&path)?;
    writeln!(
        out,
        "{}: {} before, {} after; what was revoked, has expired or was replaced is no longer in its files",
        path.display(),
        mebibytes(before),
        mebibytes(after),
    )
    .context("cannot write the result")
}

fn bytes_in(path: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for file in std::fs::read_dir(path).with_context(|| path.display().to_string())? {
        let file = file?;
        let metadata = file.metadata()?;
        bytes += if metadata.is_dir() { bytes_in(&file.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
