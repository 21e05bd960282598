//! Names of columns: what is accepted has each name once, without gaps, and is written back the same.

use std::path::Path;

use gouda::gradients::layout_file;

pub fn check(bytes: &[u8]) -> bool {
    let path = Path::new("layers.json");
    let Ok(layout) = layout_file::parse(path, bytes) else {
        return false;
    };
    let mut end = 0;
    for tensor in &layout.tensors {
        assert_eq!(tensor.offset, end);
        assert_eq!(layout.range(&tensor.name), Some(tensor.range()));
        end = tensor.range().end;
    }
    assert_eq!(layout.len(), end);
    let list: Vec<_> = (layout.tensors.iter())
        .map(|tensor| (&tensor.name, &tensor.shape))
        .collect();
    let again = serde_json::to_vec(&list).expect("text and numbers");
    let again = layout_file::parse(path, &again).expect("what was accepted is accepted again");
    assert_eq!(again, layout);
    true
}
