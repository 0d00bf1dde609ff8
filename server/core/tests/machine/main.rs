//! The machine driven from outside: inputs and effects as data, one file for each feature.

mod append;
mod blocks;
mod delete_group;
mod direct;
mod eviction;
mod fanout;
mod group_settings;
mod groups;
mod invites;
mod lagging;
mod large_group;
mod limits;
mod lists;
mod login;
mod marks;
mod mute;
mod pages;
mod permissions;
mod rates;
mod resend;
mod roles;
mod show;
mod signals;
mod sync;
mod team;
mod world;
