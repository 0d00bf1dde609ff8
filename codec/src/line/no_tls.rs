//! What stands for TLS in a build without it: a type without a value, so that nothing of it can happen.

use bytes::BytesMut;

use super::error::LineError;
use crate::trust::Trust;

pub(super) enum Tls {}

impl Tls {
    pub(super) fn new(_: &str, trust: &Trust) -> Result<Self, LineError> {
        match *trust {}
    }

    pub(super) fn is_open(&self) -> bool {
        match *self {}
    }

    pub(super) fn read(
        &mut self,
        _: &mut BytesMut,
        _: &mut BytesMut,
        _: &mut BytesMut,
    ) -> Result<(), std::convert::Infallible> {
        match *self {}
    }

    pub(super) fn write(
        &mut self,
        _: &mut BytesMut,
        _: &[u8],
        _: &mut BytesMut,
    ) -> Result<(), std::convert::Infallible> {
        match *self {}
    }

    pub(super) fn close(&mut self, _: &mut BytesMut, _: &mut BytesMut) {
        match *self {}
    }

    pub(super) fn in_words(_: &str, error: &std::convert::Infallible) -> LineError {
        match *error {}
    }
}
