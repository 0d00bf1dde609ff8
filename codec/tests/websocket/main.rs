//! WebSocket frames: the examples of the RFC, what goes in comes out, and nothing that comes in does harm.

mod examples;
mod messages;
mod rules;
