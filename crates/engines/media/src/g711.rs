//! G.711: 8-bit companded audio. ITU-T G.711.

/// Which companding law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// µ-law, PCMU.
    Mu,
    /// A-law, PCMA.
    A,
}

impl Law {
    /// The byte of a 16-bit linear sample.
    pub const fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Mu => mu_encode(sample),
            Self::A => a_encode(sample),
        }
    }

    /// The 16-bit linear sample of a byte.
    pub const fn decode(self, byte: u8) -> i16 {
        match self {
            Self::Mu => MU_LINEAR[byte as usize],
            Self::A => A_LINEAR[byte as usize],
        }
    }

    /// The byte of the quietest sample.
    pub const fn silence(self) -> u8 {
        match self {
            Self::Mu => 0xff,
            Self::A => 0xd5,
        }
    }

    /// The same sound as a byte of the other law, or of the same.
    pub const fn transcode(self, byte: u8, to: Self) -> u8 {
        match (self, to) {
            (Self::Mu, Self::A) => MU_TO_A[byte as usize],
            (Self::A, Self::Mu) => A_TO_MU[byte as usize],
            (Self::Mu, Self::Mu) | (Self::A, Self::A) => byte,
        }
    }
}

const MU_LINEAR: [i16; 256] = linear_table(Law::Mu);
const A_LINEAR: [i16; 256] = linear_table(Law::A);
const MU_TO_A: [u8; 256] = crossing_table(Law::Mu);
const A_TO_MU: [u8; 256] = crossing_table(Law::A);

const fn linear_table(law: Law) -> [i16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match law {
            Law::Mu => mu_decode(byte as u8),
            Law::A => a_decode(byte as u8),
        };
        byte += 1;
    }
    table
}

const fn crossing_table(from: Law) -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match from {
            Law::Mu => a_encode(mu_decode(byte as u8)),
            Law::A => mu_encode(a_decode(byte as u8)),
        };
        byte += 1;
    }
    table
}

/// Added before µ-law takes the logarithm, so that its first segment is like the others.
const MU_BIAS: i32 = 0x84;
const MU_CLIP: i32 = 32_635;

const fn mu_encode(sample: i16) -> u8 {
    let (sign, magnitude) = if sample < 0 { (0x80, -(sample as i32)) } else { (0, sample as i32) };
    let clipped = if magnitude > MU_CLIP { MU_CLIP } else { magnitude };
    let biased = clipped + MU_BIAS;
    // The bias puts the leading one at bit 7 or above.
    let segment = 31 - biased.leading_zeros() as i32 - 7;
    let step = (biased >> (segment + 3)) & 0x0f;
    !(sign | (segment << 4) | step) as u8
}

const fn mu_decode(byte: u8) -> i16 {
    let bits = !byte;
    let segment = ((bits >> 4) & 7) as i32;
    let step = (bits & 0x0f) as i32;
    let magnitude = (((step << 3) + MU_BIAS) << segment) - MU_BIAS;
    if bits & 0x80 == 0 { magnitude as i16 } else { -magnitude as i16 }
}

const fn a_encode(sample: i16) -> u8 {
    // Twelve bits of magnitude; negative values count from −1, so that both signs are alike.
    let (sign, magnitude) = if sample < 0 { (0, !(sample as i32)) } else { (0x80, sample as i32) };
    let quantised = magnitude >> 3;
    let code = if quantised < 32 {
        quantised >> 1
    } else {
        let segment = 31 - quantised.leading_zeros() as i32 - 4;
        (segment << 4) | ((quantised >> segment) & 0x0f)
    };
    (sign | code) as u8 ^ 0x55
}

const fn a_decode(byte: u8) -> i16 {
    let bits = byte ^ 0x55;
    let segment = ((bits >> 4) & 7) as i32;
    let step = (bits & 0x0f) as i32;
    let magnitude = match segment {
        0 => (step << 4) + 8,
        _ => ((step << 4) + 0x108) << (segment - 1),
    };
    if bits & 0x80 == 0 { -magnitude as i16 } else { magnitude as i16 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_laws_give_the_values_of_the_recommendation() {
        // G.711 Table 2 (µ-law, 14-bit values times 4) and Table 1 (A-law, 13-bit values times 8).
        for (byte, linear) in [(0x80, 32_124), (0x00, -32_124), (0xff, 0), (0x7f, 0), (0xfe, 8)] {
            assert_eq!(Law::Mu.decode(byte), linear, "µ {byte:#x}");
        }
        for (byte, linear) in [(0xd5, 8), (0x55, -8), (0xaa, 32_256), (0x2a, -32_256), (0xd4, 24)] {
            assert_eq!(Law::A.decode(byte), linear, "A {byte:#x}");
        }
    }

    #[test]
    fn every_byte_survives_decoding_and_encoding() {
        for byte in 0..=255u8 {
            // µ-law has two zeros; the encoder chooses the positive one.
            let expected = if byte == 0x7f { 0xff } else { byte };
            assert_eq!(Law::Mu.encode(Law::Mu.decode(byte)), expected, "µ {byte:#x}");
            assert_eq!(Law::A.encode(Law::A.decode(byte)), byte, "A {byte:#x}");
        }
    }

    #[test]
    fn a_sample_comes_back_within_a_step_of_its_segment() {
        for sample in (i16::MIN..=i16::MAX).step_by(7) {
            for law in [Law::Mu, Law::A] {
                let back = i32::from(law.decode(law.encode(sample)));
                let error = (back - i32::from(sample)).abs();
                // Sixteen steps for each doubling: half a step is a thirty-second.
                let allowed = i32::from(sample).abs() / 32 + 16;
                assert!(error <= allowed, "{law:?} {sample} → {back}");
            }
        }
    }

    #[test]
    fn silence_is_the_quietest_byte() {
        assert_eq!(Law::Mu.encode(0), Law::Mu.silence());
        assert_eq!(Law::A.encode(0), Law::A.silence());
    }

    #[test]
    fn crossing_the_laws_keeps_the_sound() {
        for byte in 0..=255u8 {
            let linear = i32::from(Law::Mu.decode(byte));
            let crossed = i32::from(Law::A.decode(Law::Mu.transcode(byte, Law::A)));
            assert!((linear - crossed).abs() <= linear.abs() / 16 + 24, "{linear} → {crossed}");
        }
    }
}
