//! The decomposition as files that others can open.
//!
//! `U.npy` (f4, P x k), `S.npy` (f8, k), `V.npy` (f8, T x k), and `certificate.json` with
//! everything else, written last: where it is, the rest is whole. It has the checksums of the three
//! in `files`, and its own at its end ([`summed`]). Files of before, without `files`, are read.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bounds::{Bounds, bounds};
use super::{Decomposition, Error, Method, Stop, Unseen};
use crate::storage::{self, FileSum, atomic, npy, summed};

/// The files of a decomposition.
pub const FILES: [&str; 4] = ["U.npy", "S.npy", "V.npy", "certificate.json"];

/// `certificate.json`. What is not known is null; there is no NaN and no infinity in it.
#[derive(Serialize, Deserialize)]
struct Certificate {
    rank: usize,
    requested: usize,
    time_len: usize,
    param_len: usize,
    method: Method,
    passes: usize,
    converged: bool,
    stop: Stop,
    singular_values: Vec<f64>,
    left_residuals: Vec<f64>,
    right_residuals: Vec<f64>,
    orthogonality_u: f64,
    orthogonality_v: f64,
    frobenius_norm: f64,
    explained: Vec<f64>,
    next_singular_value: Option<f64>,
    bounds: Bounds,
    /// CRC-32 of each file; files of before had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    files: Option<Files>,
    /// What the caller adds: how the matrix was read, what it took.
    #[serde(flatten)]
    notes: Map<String, Value>,
}

/// The checksums.
#[derive(Serialize, Deserialize)]
struct Files {
    #[serde(rename = "U.npy")]
    u: u32,
    #[serde(rename = "S.npy")]
    s: u32,
    #[serde(rename = "V.npy")]
    v: u32,
}

/// Writes `decomposition` into the directory `dir`, which is there.
///
/// # Errors
/// An entry that is not finite; the system's.
pub fn save(dir: &Path, decomposition: &Decomposition) -> Result<(), Error> {
    save_with(dir, decomposition, Map::new())
}

/// As [`save`], with `notes` among the fields of the certificate.
///
/// # Errors
/// An entry that is not finite; the system's. What was written before it is removed, so that the directory
/// can be used again.
pub fn save_with(
    dir: &Path,
    decomposition: &Decomposition,
    notes: Map<String, Value>,
) -> Result<(), Error> {
    let written = write(dir, decomposition, notes);
    if written.is_err() {
        for name in ["U.npy", "S.npy", "V.npy"] {
            // The first error is the one to tell.
            let _ = atomic::remove(&dir.join(name));
        }
    }
    written
}

fn write(
    dir: &Path,
    decomposition: &Decomposition,
    notes: Map<String, Value>,
) -> Result<(), Error> {
    let d = decomposition;
    check_finite(dir, d)?;
    let files = Files {
        u: npy::write_f32(&dir.join("U.npy"), &[d.param_len, d.rank], &d.u)?,
        s: npy::write_f64(&dir.join("S.npy"), &[d.rank], &d.s)?,
        v: npy::write_f64(&dir.join("V.npy"), &[d.time_len, d.rank], &d.v)?,
    };
    let certificate = Certificate {
        rank: d.rank,
        requested: d.requested,
        time_len: d.time_len,
        param_len: d.param_len,
        method: d.method,
        passes: d.passes,
        converged: d.converged,
        stop: d.stop,
        singular_values: d.s.clone(),
        left_residuals: d.left_residuals.clone(),
        right_residuals: d.right_residuals.clone(),
        orthogonality_u: d.orthogonality_u,
        orthogonality_v: d.orthogonality_v,
        frobenius_norm: d.frobenius_norm,
        explained: d.explained(),
        next_singular_value: d.next_singular_value,
        bounds: bounds(d),
        files: Some(files),
        notes,
    };
    Ok(summed::write_pretty(
        &dir.join("certificate.json"),
        &certificate,
    )?)
}

/// What the notes of a certificate say of how its matrix was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// What rows were multiplied by, in words; "none" for nothing.
    pub weights: String,
    /// The parameters that were selected; empty for all.
    pub params: Vec<std::ops::Range<usize>>,
}

impl Made {
    /// Of the decomposition in `dir`, which can be [loaded](load).
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("certificate.json");
        let notes: Value = storage::manifest::read_json(&path, "a certificate")?;
        let params = serde_json::from_value(notes["params"].clone());
        Ok(Self {
            weights: notes["weights"].as_str().unwrap_or("none").into(),
            params: params.unwrap_or_default(),
        })
    }

    /// As notes of a certificate.
    pub fn notes(&self) -> Map<String, Value> {
        let params = serde_json::to_value(&self.params).unwrap_or_default();
        let notes = [
            ("weights", self.weights.as_str().into()),
            ("params", params),
        ];
        let notes = notes.into_iter();
        notes.map(|(name, value)| (name.into(), value)).collect()
    }
}

/// Reads what [`save`] wrote.
///
/// # Errors
/// A file is missing or damaged, or they do not belong together, or an entry is not finite.
pub fn load(dir: &Path) -> Result<Decomposition, Error> {
    let path = dir.join("certificate.json");
    let contents = storage::read_bytes(&path)?;
    let c: Certificate = serde_json::from_slice(&contents).map_err(|error| {
        let expected = "the certificate of a decomposition";
        storage::Error::malformed(&path, expected, error.to_string())
    })?;
    match &c.files {
        Some(files) => {
            summed::check(&path, &contents)?;
            for (name, expected) in [("U.npy", files.u), ("S.npy", files.s), ("V.npy", files.v)] {
                let file = dir.join(name);
                FileSum::of(&file)?.check(&file, expected)?;
            }
        }
        // A flipped bit can make `files` another key, and a note.
        None if c.notes.contains_key("crc32") => summed::check(&path, &contents)?,
        None => {}
    }
    let (u_shape, u) = npy::read_f32(&dir.join("U.npy"))?;
    let (s_shape, s) = npy::read_f64(&dir.join("S.npy"))?;
    let (v_shape, v) = npy::read_f64(&dir.join("V.npy"))?;
    for (name, found, expected) in [
        ("U.npy", u_shape, vec![c.param_len, c.rank]),
        ("S.npy", s_shape, vec![c.rank]),
        ("V.npy", v_shape, vec![c.time_len, c.rank]),
        (
            "certificate.json",
            vec![c.left_residuals.len()],
            vec![c.rank],
        ),
        (
            "certificate.json",
            vec![c.right_residuals.len()],
            vec![c.rank],
        ),
    ] {
        if found != expected {
            let expected = format!("shape {expected:?}, as certificate.json says");
            let found = format!("{found:?}");
            return Err(crate::storage::Error::malformed(&dir.join(name), expected, found).into());
        }
    }
    let decomposition = Decomposition {
        rank: c.rank,
        requested: c.requested,
        time_len: c.time_len,
        param_len: c.param_len,
        u,
        s,
        v,
        left_residuals: c.left_residuals,
        right_residuals: c.right_residuals,
        frobenius_norm: c.frobenius_norm,
        next_singular_value: c.next_singular_value,
        unseen: c.bounds.likely.map(|likely| Unseen {
            others_likely_at_most: likely.others_likely_at_most,
            probability: likely.probability,
            others_at_least: likely.others_at_least,
            others_are_rounding: likely.others_are_rounding,
        }),
        method: c.method,
        passes: c.passes,
        converged: c.converged,
        stop: c.stop,
        orthogonality_u: c.orthogonality_u,
        orthogonality_v: c.orthogonality_v,
    };
    check_finite(dir, &decomposition)?;
    Ok(decomposition)
}

/// Refuses NaN and infinities in what is written, or was read.
fn check_finite(dir: &Path, d: &Decomposition) -> Result<(), Error> {
    let wide = |values: &[f32]| values.iter().position(|value| !value.is_finite());
    let place = |values: &[f64]| values.iter().position(|value| !value.is_finite());
    let u = wide(&d.u).map(|at| ("U.npy", d.rank, at, d.u[at].into()));
    let s = || place(&d.s).map(|at| ("S.npy", 1, at, d.s[at]));
    let v = || place(&d.v).map(|at| ("V.npy", d.rank, at, d.v[at]));
    match u.or_else(s).or_else(v) {
        None => Ok(()),
        Some((name, width, at, value)) => Err(Error::NotFinite {
            place: dir.join(name).display().to_string(),
            row: at / width,
            column: at % width,
            value,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::super::tests::{dense, noise, run};
    use super::*;

    #[test]
    fn what_is_saved_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        for matrix in [noise(20, 30, 5), dense(20, 30, |_| 0.0)] {
            let found = run(&matrix, &Options::with_rank(4));
            save(dir.path(), &found).unwrap();
            let loaded = load(dir.path()).unwrap();
            assert_eq!(
                (&loaded.u, &loaded.s, &loaded.v),
                (&found.u, &found.s, &found.v)
            );
            assert_eq!((loaded.rank, loaded.stop), (found.rank, found.stop));
            // JSON's decimals are read to within one unit in the last place.
            for (a, b) in loaded.right_residuals.iter().zip(&found.right_residuals) {
                assert!((a - b).abs() <= f64::EPSILON * b);
            }
        }
        let sound = run(&noise(20, 30, 5), &Options::with_rank(4));
        for (name, value) in ["U", "S", "V"].into_iter().flat_map(|name| {
            [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(|value| (name, value))
        }) {
            let mut bad = sound.clone();
            let place = match name {
                "U" => {
                    bad.u[4 * 7 + 2] = value as f32;
                    "row 7, column 2"
                }
                "S" => {
                    bad.s[3] = value;
                    "row 3, column 0"
                }
                _ => {
                    bad.v[4 * 19] = value;
                    "row 19, column 0"
                }
            };
            let refused = |error: Error| {
                let text = error.to_string();
                let expected = format!("{name}.npy: {place} is {value}, expected a finite");
                assert!(text.contains(&expected), "{text}");
            };
            refused(save(dir.path(), &bad).unwrap_err());
            save(dir.path(), &sound).unwrap();
            let (u, s, v) = (&bad.u, &bad.s, &bad.v);
            crate::storage::npy::write_f32(&dir.path().join("U.npy"), &[30, 4], u).unwrap();
            crate::storage::npy::write_f64(&dir.path().join("S.npy"), &[4], s).unwrap();
            crate::storage::npy::write_f64(&dir.path().join("V.npy"), &[20, 4], v).unwrap();
            // As a release wrote it that kept no checksums.
            let certificate = dir.path().join("certificate.json");
            let mut c: Map<String, Value> =
                storage::manifest::read_json(&certificate, "an object").unwrap();
            assert!(c.remove("files").is_some() && c.remove("crc32").is_some());
            storage::manifest::write_json(&certificate, &c).unwrap();
            refused(load(dir.path()).unwrap_err());
        }
        save(
            dir.path(),
            &run(&dense(20, 30, |_| 0.0), &Options::with_rank(4)),
        )
        .unwrap();
        let other = run(&noise(21, 30, 5), &Options::with_rank(4));
        let v = dir.path().join("V.npy");
        crate::storage::npy::write_f64(&v, &[21, 4], &other.v).unwrap();
        let text = load(dir.path()).unwrap_err().to_string();
        assert!(text.contains("V.npy: expected CRC "), "{text}");
    }
}
