//! Which instruction set the kernels use, found once at the first call.
//!
//! Every path runs the same fused multiply-adds in the same order, so the choice changes speed and
//! not one bit. `GOUDA_SIMD=portable|avx2|avx512` forces a path.

use std::sync::OnceLock;

/// An instruction set that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// What the target guarantees; fused multiply-adds go through libm where the CPU lacks them.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, with AVX2 and FMA where vectors are narrower.
    Avx512,
}

impl Path {
    /// The name `GOUDA_SIMD` knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    fn is_supported(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Self::Avx2.is_supported() && is_x86_feature_detected!("avx512f"),
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }
}

/// The path for `forced` (the value of `GOUDA_SIMD`), or the fastest this CPU has.
///
/// # Errors
/// A sentence naming the value where it is unknown or the CPU lacks it.
pub fn choose(forced: Option<&str>) -> Result<Path, String> {
    let paths = [Path::Avx512, Path::Avx2, Path::Portable];
    let Some(name) = forced else {
        return Ok(*paths
            .iter()
            .find(|p| p.is_supported())
            .expect("portable is always there"));
    };
    let path = paths
        .into_iter()
        .find(|p| p.name() == name)
        .ok_or_else(|| format!("GOUDA_SIMD={name}: expected portable, avx2 or avx512"))?;
    if !path.is_supported() {
        return Err(format!("GOUDA_SIMD={name}: this CPU does not have it"));
    }
    Ok(path)
}

/// A sentence for those who run the portable path without having asked for it.
pub fn slow() -> Option<&'static str> {
    let unasked = path() == Path::Portable && std::env::var_os("GOUDA_SIMD").is_none();
    unasked.then_some(
        "this CPU has none of the vector units that the kernels are written for: the portable \
         path gives the same bits, ten to a hundred times slower",
    )
}

/// The path in force.
///
/// # Panics
/// When `GOUDA_SIMD` is wrong; the command line checks it first with [`choose`].
pub fn path() -> Path {
    static PATH: OnceLock<Path> = OnceLock::new();
    *PATH.get_or_init(|| {
        let forced = std::env::var("GOUDA_SIMD").ok();
        choose(forced.as_deref()).unwrap_or_else(|message| panic!("{message}"))
    })
}

/// Work to be compiled for each path. `run` has to be `#[inline(always)]`: what the compiler leaves
/// out of line is compiled for the plainest CPU.
pub trait Work {
    /// What it comes to.
    type Output;
    /// Does it.
    fn run(self) -> Self::Output;
}

/// Does `work`, compiled for the path in force. The bits are the same on every path.
#[inline(always)]
pub fn apply<W: Work>(work: W) -> W::Output {
    match path() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the path was found on this CPU, and AVX-512 implies AVX2 and FMA here.
        Path::Avx2 | Path::Avx512 => unsafe { with_avx2(work) },
        _ => work.run(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn with_avx2<W: Work>(work: W) -> W::Output {
    work.run()
}

/// The same for a closure that the compiler finds short enough to inline: an elementwise loop,
/// which it vectorises by itself.
#[inline(always)]
pub fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    struct Closure<F>(F);
    impl<R, F: FnOnce() -> R> Work for Closure<F> {
        type Output = R;
        #[inline(always)]
        fn run(self) -> R {
            (self.0)()
        }
    }
    apply(Closure(f))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_name_says_what_was_expected() {
        assert_eq!(choose(Some("portable")), Ok(Path::Portable));
        assert!(
            choose(Some("sse9"))
                .unwrap_err()
                .contains("expected portable, avx2 or avx512")
        );
    }
}
