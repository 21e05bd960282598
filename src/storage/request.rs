//! What is asked of the file system, and who is asked: the system, or a test in its place.
//!
//! [`Real`] lets everything through. A test puts another in its place with [`with`], for its
//! thread: one that fails the n-th operation, or one that writes down what reached the disk and what
//! was only on its way, from which the directory after a crash can be built.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What is asked of the file system, before it is done.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Request<'a> {
    /// An existing file is opened, to be read.
    Read(&'a Path),
    /// An existing file is opened, to be written.
    Write(&'a Path),
    /// A file is made, or an existing one emptied.
    Create(&'a Path),
    /// A file is made where there is none, and locked.
    Lock(&'a Path),
    /// Bytes are fetched from an open file.
    Fetch(&'a Path),
    /// An open file is mapped.
    Map(&'a Path),
    /// Bytes are put into an open file.
    Put {
        /// The file.
        path: &'a Path,
        /// Where in it.
        at: u64,
        /// What.
        bytes: &'a [u8],
    },
    /// An open file is cut or extended with zeros.
    Resize {
        /// The file.
        path: &'a Path,
        /// Its new length.
        len: u64,
    },
    /// The contents of a file are to be on the disk.
    Sync(&'a Path),
    /// The names in a directory are to be on the disk.
    SyncNames(&'a Path),
    /// A file takes another name, in place of the one that has it.
    Rename {
        /// The name it has.
        from: &'a Path,
        /// The name it takes.
        to: &'a Path,
    },
    /// A file loses its name.
    Remove(&'a Path),
    /// A directory goes with all in it.
    RemoveAll(&'a Path),
    /// A directory is made, with its parents.
    MakeDirectory(&'a Path),
    /// The names in a directory are read.
    List(&'a Path),
    /// Whether a path is there, what it is, how long.
    Look(&'a Path),
}

/// Who is asked before anything is done with a file.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Lets `request` be done. How many bytes of it, for [`Request::Put`], where at least one and
    /// not all is a short write, which the system may make at any time; otherwise the number has
    /// no meaning.
    ///
    /// # Errors
    /// The operation is not done, and fails with this.
    fn ask(&self, request: &Request<'_>) -> io::Result<usize>;
}

/// The file system as it is.
#[derive(Clone, Copy, Debug)]
pub struct Real;

impl Disk for Real {
    fn ask(&self, _: &Request<'_>) -> io::Result<usize> {
        Ok(usize::MAX)
    }
}

thread_local! {
    static DISK: RefCell<Arc<dyn Disk>> = RefCell::new(Arc::new(Real));
}

/// Does `job` with `disk` in the place of [`Real`]: for what this thread does, and for the files
/// that it opens, whichever thread uses them.
pub fn with<T>(disk: Arc<dyn Disk>, job: impl FnOnce() -> T) -> T {
    struct Back(Option<Arc<dyn Disk>>);
    impl Drop for Back {
        fn drop(&mut self) {
            if let Some(before) = self.0.take() {
                DISK.set(before);
            }
        }
    }
    let _back = Back(Some(DISK.replace(disk)));
    job()
}

/// Asks the disk in use on this thread.
pub(super) fn ask(request: &Request<'_>) -> io::Result<()> {
    DISK.with_borrow(|disk| disk.ask(request)).map(|_| ())
}

/// The disk in use on this thread.
pub(super) fn current() -> Arc<dyn Disk> {
    DISK.with_borrow(Arc::clone)
}
