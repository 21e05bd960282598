//! Which instruction set the kernels use, found once at the first call.
//!
//! Every path runs the same fused multiply-adds in the same order, so the choice changes speed and
//! not one bit. `GOUDA_SIMD` forces a path: `portable|avx2|avx512` on x86-64, `portable|neon` on
//! 64-bit Arm.

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
    /// NEON, which every 64-bit Arm CPU has, and fused multiply-add with it.
    Neon,
}

impl Path {
    /// What CPUs of this architecture may have, the fastest last.
    pub const ALL: &[Self] = if cfg!(target_arch = "x86_64") {
        &[Self::Portable, Self::Avx2, Self::Avx512]
    } else if cfg!(target_arch = "aarch64") {
        &[Self::Portable, Self::Neon]
    } else {
        &[Self::Portable]
    };

    /// The name `GOUDA_SIMD` knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        }
    }

    fn is_supported(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Self::Avx2.is_supported() && is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            _ => false,
        }
    }
}

/// The path for `forced` (the value of `GOUDA_SIMD`), or the fastest this CPU has.
///
/// # Errors
/// A sentence naming the value where it is unknown or the CPU lacks it.
pub fn choose(forced: Option<&str>) -> Result<Path, String> {
    let paths = Path::ALL.iter().copied();
    let Some(name) = forced else {
        let fastest = paths.rev().find(|path| path.is_supported());
        return Ok(fastest.expect("portable is always there"));
    };
    let path = paths
        .clone()
        .find(|path| path.name() == name)
        .ok_or_else(|| format!("GOUDA_SIMD={name}: expected {}", names()))?;
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

/// The names to choose from, as in a sentence.
fn names() -> String {
    let names: Vec<&str> = Path::ALL.iter().map(|path| path.name()).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
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
    fn a_wrong_name_says_what_this_architecture_has() {
        assert_eq!(choose(Some("portable")), Ok(Path::Portable));
        let expected = match std::env::consts::ARCH {
            "x86_64" => "GOUDA_SIMD=sse9: expected portable, avx2 or avx512",
            "aarch64" => "GOUDA_SIMD=sse9: expected portable or neon",
            _ => "GOUDA_SIMD=sse9: expected portable",
        };
        assert_eq!(choose(Some("sse9")), Err(expected.into()));
    }

    #[test]
    fn the_fastest_is_taken() {
        let mut supported = Path::ALL.iter().filter(|path| path.is_supported());
        assert_eq!(choose(None).ok().as_ref(), supported.next_back());
        let is_arm = cfg!(target_arch = "aarch64");
        assert_eq!(choose(Some("neon")).is_ok(), is_arm);
        assert_eq!(choose(None) == Ok(Path::Neon), is_arm);
    }
}
