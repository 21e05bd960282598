//! Shape of an image of activations and where its cells lie in a bordered buffer.

/// Height, width and channels of one sample, without the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels, the innermost axis.
    pub channels: usize,
}

impl Image {
    /// Values of one sample, border included.
    pub fn bordered_len(self) -> usize {
        (self.height + 2) * (self.width + 2) * self.channels
    }

    /// Values of one sample, without the border.
    pub fn interior_len(self) -> usize {
        self.height * self.width * self.channels
    }

    /// Offset of cell `(row, column)` of sample `sample`, both counted **from the border**, so that
    /// `(1, 1)` is the first cell of the image.
    pub fn offset(self, sample: usize, row: usize, column: usize) -> usize {
        ((sample * (self.height + 2) + row) * (self.width + 2) + column) * self.channels
    }

    /// Offsets of the image's rows in order: each covers `width * channels` values.
    pub fn rows(self, sample_len: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
        (0..sample_len).flat_map(move |sample| {
            (1..=self.height).map(move |row| {
                let start = self.offset(sample, row, 1);
                start..start + self.width * self.channels
            })
        })
    }
}
