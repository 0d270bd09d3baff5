//! How loops are compiled: for AVX2 where the machine has it, else for what the build targets.

use pulp::NullaryFnOnce;
#[cfg(target_arch = "x86_64")]
use pulp::x86::V3;

/// The instructions that a computation may use. Results are the same to the bit with all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Machine {
    /// AVX2: 256 bits at once.
    #[cfg(target_arch = "x86_64")]
    Avx2(V3),
    /// What the build targets.
    Portable,
}

impl Machine {
    /// The fastest instructions of this machine.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = V3::try_new() {
            return Self::Avx2(simd);
        }
        Self::Portable
    }

    /// Runs `f`, and what is inlined into it, with these instructions.
    pub(super) fn run<F: NullaryFnOnce>(self, f: F) -> F::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => simd.vectorize(f),
            Self::Portable => f.call(),
        }
    }
}
