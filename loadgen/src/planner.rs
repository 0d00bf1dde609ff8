//! `plan`: what to buy for a population, from what loads cost here.
//!
//! [`loads`] names the loads that are measured, [`sample`] what is kept of each, [`fit`] makes unit costs of the samples by
//! least squares, [`costs`] is the file that keeps both, [`population`] and [`bill`] turn a population into cores, memory,
//! disk, network and nodes, and [`check`] predicts a load that was not measured. Costs are taken to add up: a load costs the
//! sum of its parts. `plan check` shows how far that holds.

pub mod bill;
pub mod check;
pub mod costs;
pub mod fit;
pub mod kernel;
pub mod loads;
pub mod population;
pub mod sample;
pub mod words;
