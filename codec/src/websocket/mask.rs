//! Masking: what clients send is XORed with four bytes, over and over.

/// The four bytes. A client draws them anew for each frame, from a source that nobody can foresee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mask(pub [u8; 4]);

impl Mask {
    /// Masks a whole payload in place; done twice, nothing has changed.
    #[inline]
    pub fn apply(self, payload: &mut [u8]) {
        let [a, b, c, d] = self.0;
        let key = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        // Eight bytes at a time; the compiler makes more of it where the machine has wider registers.
        let (words, rest) = payload.as_chunks_mut::<8>();
        for word in words {
            *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(self.0.iter().cycle()) {
            *byte ^= key;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_masked_as_byte_by_byte() {
        let mask = Mask([1, 20, 77, 255]);
        for length in 0..70_usize {
            let plain: Vec<u8> = (0..length).map(|at| (at * 31) as u8).collect();
            let mut masked = plain.clone();
            mask.apply(&mut masked);
            let expected: Vec<u8> = plain.iter().enumerate().map(|(at, byte)| byte ^ mask.0[at % 4]).collect();
            assert_eq!(masked, expected, "{length}");
        }
    }
}
