//! What a run leaves behind: `result.json` for programs, `report.html` and a summary for people.

pub mod axis;
pub mod comebacks;
pub mod format;
pub mod html;
mod pictures;
pub mod plot;
pub mod result;
pub mod schema;
pub mod summary;
