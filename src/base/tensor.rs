//! Decodes numbers from the bytes of a safetensors file.

use std::borrow::Cow;

use ndarray::{CowArray, Ix2};
use safetensors::tensor::{Dtype, TensorView};

/// A table that may borrow from the program file: only the used pages of the embedded model are
/// read.
pub(crate) type Table = CowArray<'static, f32, Ix2>;

/// The numbers in static bytes; borrowed if alignment and byte order fit this machine, else
/// copied.
pub(crate) fn lasting(bytes: &'static [u8]) -> Cow<'static, [f32]> {
    match bytemuck::try_cast_slice(bytes) {
        Ok(numbers) if cfg!(target_endian = "little") => Cow::Borrowed(numbers),
        _ => copied(bytes),
    }
}

/// Copies the numbers out of `bytes`.
pub(crate) fn copied(bytes: &[u8]) -> Cow<'static, [f32]> {
    Cow::Owned(decoded(bytes, f32::from_le_bytes))
}

/// The consecutive numbers in `bytes`, N bytes each; a shorter rest is ignored.
pub(crate) fn decoded<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (chunks, _) = bytes.as_chunks();
    chunks.iter().map(|chunk| number(*chunk)).collect()
}

/// The values of a tensor in single precision; `None` unless the type is float64, float32,
/// float16, bfloat16 or int8.
pub(crate) fn floats(tensor: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = tensor.data();
    Some(match tensor.dtype() {
        Dtype::F64 => decoded(data, |b| f64::from_le_bytes(b) as f32),
        Dtype::F32 => decoded(data, f32::from_le_bytes),
        Dtype::F16 => decoded(data, |b| half::f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => decoded(data, |b| half::bf16::from_le_bytes(b).to_f32()),
        Dtype::I8 => decoded(data, |b| f32::from(i8::from_le_bytes(b))),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dtype: Dtype, bytes: &[u8]) -> f32 {
        floats(&TensorView::new(dtype, vec![1], bytes).unwrap()).unwrap()[0]
    }

    #[test]
    fn float16_is_decoded_from_subnormal_to_infinity() {
        let from_half = |bits: u16| read(Dtype::F16, &bits.to_le_bytes());
        let cases = [
            (0x0000, 0.0),
            (0x0001, 2_f32.powi(-24)),
            (0x03ff, 1023.0 * 2_f32.powi(-24)),
            (0x0400, 2_f32.powi(-14)),
            (0x3c00, 1.0),
            (0xc100, -2.5),
            (0x7bff, 65504.0),
            (0xfc00, f32::NEG_INFINITY),
        ];
        for (bits, value) in cases {
            assert_eq!(from_half(bits).to_bits(), f32::to_bits(value), "{bits:#x}");
        }
        assert!(from_half(0x7e00).is_nan());
    }

    #[test]
    fn bfloat16_is_truncated_float32() {
        let bytes = [0xc0, 0x3f, 0x20, 0xc0];
        let tensor = TensorView::new(Dtype::BF16, vec![2], &bytes).unwrap();
        assert_eq!(floats(&tensor).unwrap(), [1.5, -2.5]);
    }

    #[test]
    fn int8_is_signed_and_int64_is_refused() {
        assert_eq!(read(Dtype::I8, &[0x80]).to_bits(), f32::to_bits(-128.0));
        let wide = TensorView::new(Dtype::I64, vec![1], &[0; 8]).unwrap();
        assert_eq!(floats(&wide), None);
    }
}
