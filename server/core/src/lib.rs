//! Placeholder.
pub mod entry;
pub mod ids;
pub mod records;
pub mod slots;
