//! Quantiles and intervals: Wilson's for a rate, the percentile bootstrap for a mean.

use crate::numeric::exp::ln;

/// A two-sided interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The standard normal's quantile function for `p` in `[0, 1]` (Wichura 1988, AS 241, PPND16;
/// relative error about 1e-16). NaN outside.
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * rational(&CENTRE, 0.180625 - q * q);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail == 0.0 {
        return q.signum() * f64::INFINITY;
    }
    let r = (-ln(tail)).sqrt();
    let x = if r <= 5.0 {
        rational(&MIDDLE, r - 1.6)
    } else {
        rational(&TAIL, r - 5.0)
    };
    q.signum() * x
}

fn rational([numerator, denominator]: &[[f64; 8]; 2], x: f64) -> f64 {
    let polynomial = |c: &[f64; 8]| c.iter().fold(0.0, |sum, &c| sum * x + c);
    polynomial(numerator) / polynomial(denominator)
}

/// Numerator and denominator, highest power first: |p - 1/2| <= 0.425.
const CENTRE: [[f64; 8]; 2] = [
    [
        2509.0809287301227,
        33430.57558358813,
        67265.7709270087,
        45921.95393154987,
        13731.69376550946,
        1971.5909503065513,
        133.14166789178438,
        3.3871328727963665,
    ],
    [
        5226.495278852854,
        28729.085735721943,
        39307.89580009271,
        21213.794301586597,
        5394.196021424751,
        687.1870074920579,
        42.31333070160091,
        1.0,
    ],
];
/// Numerator and denominator, highest power first: down to p = e^-25.
const MIDDLE: [[f64; 8]; 2] = [
    [
        0.0007745450142783414,
        0.022723844989269184,
        0.2417807251774506,
        1.2704582524523684,
        3.6478483247632045,
        5.769497221460691,
        4.630337846156546,
        1.4234371107496835,
    ],
    [
        1.0507500716444169e-09,
        0.0005475938084995345,
        0.015198666563616457,
        0.14810397642748008,
        0.6897673349851,
        1.6763848301838038,
        2.053191626637759,
        1.0,
    ],
];
/// Numerator and denominator, highest power first: below it.
const TAIL: [[f64; 8]; 2] = [
    [
        2.0103343992922881e-07,
        2.7115555687434876e-05,
        0.0012426609473880784,
        0.026532189526576124,
        0.29656057182850487,
        1.7848265399172913,
        5.463784911164114,
        6.657904643501103,
    ],
    [
        2.0442631033899397e-15,
        1.421511758316446e-07,
        1.8463183175100548e-05,
        0.0007868691311456133,
        0.014875361290850615,
        0.1369298809227358,
        0.599832206555888,
        1.0,
    ],
];

/// The `q` quantile of `values`, linear between order statistics (numpy's default, type 7); `None`
/// for no values.
///
/// # Panics
/// `q` outside `[0, 1]`.
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    assert!((0.0..=1.0).contains(&q), "a quantile in [0, 1], not {q}");
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile_of_sorted(&sorted, q)
}

fn quantile_of_sorted(sorted: &[f64], q: f64) -> Option<f64> {
    let place = q * sorted.len().checked_sub(1)? as f64;
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-14 * b.abs().max(1.0)
    }

    #[test]
    fn normal_quantiles_are_those_of_scipy() {
        for (p, x) in [
            (1e-300, -37.0470962993612),
            (1e-10, -6.361340902404056),
            (0.0005, -3.2905267314918945),
            (0.025, -1.9599639845400545),
            (0.3, -0.5244005127080409),
            (0.5, 0.0),
            (0.975, 1.959963984540054),
            (1.0, f64::INFINITY),
            (0.0, f64::NEG_INFINITY),
        ] {
            let found = normal_quantile(p);
            assert!(found == x || close(found, x), "{p} {found}");
        }
        assert!(normal_quantile(-0.1).is_nan() && normal_quantile(f64::NAN).is_nan());
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        let values = [1.5, -0.25, 3.0, 3.0, 0.125, 7.5, -2.0];
        for (q, x) in [
            (0.0, -2.0),
            (0.025, -1.7375),
            (0.3, 0.05),
            (0.5, 1.5),
            (0.95, 6.15),
            (1.0, 7.5),
        ] {
            assert!(close(quantile(&values, q).unwrap(), x), "{q}");
        }
        assert_eq!(quantile(&[], 0.5), None);
    }
}
