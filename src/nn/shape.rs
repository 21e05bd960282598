//! What determines a network's shape.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Error;

/// Which network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A strided convolution and residual convolutions, tens of thousands of parameters.
    Small,
    /// The published IMPALA net.
    Impala,
}

/// What determines a network's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Which network.
    pub kind: Kind,
    /// Side of the observation, in cells.
    pub world: usize,
    /// Channels of `small`.
    pub channels: usize,
    /// Residual blocks of `small`.
    pub blocks: usize,
    /// Width of the dense layer of `small`.
    pub hidden: usize,
    /// Actions.
    pub action_len: usize,
}

impl Shape {
    /// A network as small as a test needs, over which it names what it needs otherwise.
    ///
    /// ```
    /// use gouda::nn::Shape;
    /// let wider = Shape { hidden: 16, ..Shape::tiny() };
    /// ```
    pub fn tiny() -> Self {
        Self {
            kind: Kind::Small,
            world: 5,
            channels: 4,
            blocks: 1,
            hidden: 8,
            action_len: 4,
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let size = |name, found, range: Range<usize>, expected| {
            if range.contains(&found) {
                Ok(())
            } else {
                Err(Error::Size {
                    name,
                    found,
                    expected,
                })
            }
        };
        size("channels", self.channels, 1..513, "1 to 512")?;
        size("blocks", self.blocks, 0..33, "0 to 32")?;
        size("hidden", self.hidden, 1..4097, "1 to 4096")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_out_of_range_names_the_setting() {
        let shape = Shape {
            channels: 0,
            ..Shape::tiny()
        };
        let message = shape.check().unwrap_err().to_string();
        assert_eq!(message, "net.channels = 0: expected 1 to 512");
    }
}
