//! Instruction sets: loops run with AVX2 if the machine has it, else for the target of the build.

use pulp::NullaryFnOnce;
#[cfg(target_arch = "x86_64")]
use pulp::x86::V3;

/// The instruction set of a computation. The result has the same bits with each of them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Machine {
    /// AVX2: 256-bit registers.
    #[cfg(target_arch = "x86_64")]
    Avx2(V3),
    /// The target of the build.
    Portable,
}

impl Machine {
    /// The fastest instruction set of this machine.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = V3::try_new() {
            return Self::Avx2(simd);
        }
        Self::Portable
    }

    /// Runs `f`, and all code inlined into `f`, with this instruction set.
    pub(super) fn run<F: NullaryFnOnce>(self, f: F) -> F::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => simd.vectorize(f),
            Self::Portable => f.call(),
        }
    }
}
