//! A disk that fails at its n-th operation.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use gouda::storage::disk::{Disk, Request};

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One operation, once.
    Error,
    /// That one and all after it: the disk is gone.
    Gone,
    /// What is written from there on, but for a half of the first: the disk is full.
    Full,
    /// Half of what is written there, which the system may do and nobody should notice.
    Short,
}

impl Fault {
    pub const ALL: [Self; 4] = [Self::Error, Self::Gone, Self::Full, Self::Short];
}

/// Fails from operation `at` on, counted from 0; never, if that is `usize::MAX`.
#[derive(Debug)]
pub struct Failing {
    fault: Fault,
    at: usize,
    asked: AtomicUsize,
    failed: AtomicUsize,
}

impl Failing {
    pub fn new(fault: Fault, at: usize) -> Self {
        Self {
            fault,
            at,
            asked: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
        }
    }

    /// Operations so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Those that failed or were cut short.
    pub fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }
}

impl Disk for Failing {
    fn ask(&self, request: &Request<'_>) -> io::Result<usize> {
        let index = self.asked.fetch_add(1, Ordering::Relaxed);
        if index < self.at || (index > self.at && matches!(self.fault, Fault::Error | Fault::Short))
        {
            return Ok(usize::MAX);
        }
        let fail = |error: i32| {
            self.failed.fetch_add(1, Ordering::Relaxed);
            Err(io::Error::from_raw_os_error(error))
        };
        const EIO: i32 = 5;
        const ENOSPC: i32 = 28;
        let takes_room = matches!(
            request,
            Request::Put { .. } | Request::Create(_) | Request::MakeDirectory(_)
        );
        match (self.fault, request) {
            (Fault::Error | Fault::Gone, _) => fail(EIO),
            (Fault::Full, Request::Put { bytes, .. }) if index == self.at && bytes.len() > 1 => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                Ok(bytes.len() / 2)
            }
            (Fault::Full, _) if takes_room => fail(ENOSPC),
            (Fault::Short, Request::Put { bytes, .. }) if bytes.len() > 1 => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                Ok(bytes.len() / 2)
            }
            _ => Ok(usize::MAX),
        }
    }
}
