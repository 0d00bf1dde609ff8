//! What stands for WebSocket in a build without it: a type without a value, so that nothing of it can happen.

use bytes::BytesMut;

use super::error::LineError;
use crate::endpoint::Endpoint;

pub(super) enum Web {}

impl Web {
    pub(super) fn new(endpoint: &Endpoint, _: usize, _: &mut BytesMut) -> Self {
        unreachable!("{endpoint} cannot be named in a build without WebSocket")
    }

    pub(super) fn is_open(&self) -> bool {
        match *self {}
    }

    pub(super) fn is_closed(&self) -> bool {
        match *self {}
    }

    pub(super) fn read(
        &mut self,
        _: &str,
        _: &mut BytesMut,
        _: &mut BytesMut,
        _: &mut BytesMut,
    ) -> Result<(), LineError> {
        match *self {}
    }

    pub(super) fn write(&mut self, _: &[u8], _: &mut BytesMut) {
        match *self {}
    }

    pub(super) fn close(&mut self, _: &mut BytesMut) {
        match *self {}
    }

    pub(super) fn why_over(&self, _: &str, _: &[u8]) -> LineError {
        match *self {}
    }
}
