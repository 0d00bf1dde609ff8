//! What a run leaves behind: `result.json` for programs; `report.html`, `summary.md` and a few lines in the terminal for
//! people.

pub mod axis;
pub mod comebacks;
pub mod curves;
pub mod fanout;
pub mod format;
pub mod html;
pub mod markdown;
pub mod plot;
pub mod result;
pub mod returns;
pub mod schema;
pub mod seconds;
pub mod standing;
pub mod summary;
pub mod table;
pub mod tables;
pub mod timeline;
