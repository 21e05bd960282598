//! Checkpoints: what is accepted has the tensors that were asked for, finite, and is written back
//! the same.

use gouda::experiment::checkpoint::load_checkpoint;
use gouda::nn::Layout;
use gouda::storage::tensors::{self, Tensor};

use super::scratch;

fn layout() -> Layout {
    let tensor = |(name, shape): (&str, &[usize])| (name.to_owned(), shape.to_vec());
    let tensors: [(&str, &[usize]); 3] = [
        ("conv.weight", &[2, 3]),
        ("none", &[0, 4]),
        ("value.bias", &[]),
    ];
    Layout::new(tensors.map(tensor).to_vec())
}

pub fn check(bytes: &[u8]) -> bool {
    let path = scratch::file("checkpoint.safetensors", bytes);
    let layout = layout();
    let expected: Vec<(String, Vec<usize>)> = (layout.tensors.iter())
        .map(|tensor| (tensor.name.clone(), tensor.shape.clone()))
        .collect();
    let metadata = tensors::metadata(&path);
    let params = load_checkpoint(&path, &layout);
    let Ok(file) = tensors::load(&path, &expected) else {
        assert!(params.is_err());
        return false;
    };
    assert_eq!(metadata.ok().as_ref(), Some(&file.metadata));
    let flat = file.tensors.concat();
    assert_eq!(flat.len(), layout.len());
    assert_eq!(params.is_ok(), flat.iter().all(|value| value.is_finite()));
    let tensors: Vec<Tensor<'_>> = (layout.tensors.iter().zip(&file.tensors))
        .map(|(tensor, values)| Tensor {
            name: &tensor.name,
            shape: &tensor.shape,
            values,
        })
        .collect();
    let again = scratch::path("again.safetensors");
    // The checksum is made when it is written.
    let mut others = file.metadata.clone();
    others.remove(tensors::CHECKSUM);
    tensors::save(&again, &tensors, &others).expect("room for a small file");
    let mut read = tensors::load(&again, &expected).expect("what was written is read");
    assert!(read.metadata.remove(tensors::CHECKSUM).is_some());
    let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<u32>>();
    assert_eq!(bits(&read.tensors.concat()), bits(&flat));
    assert_eq!(read.metadata, others);
    true
}
