//! What applications make of what a session reports: the pure structures, one property per file.

mod contents;
mod statuses;
mod timeline;
