//! Signals whose default would end the process without a word. (Ctrl-C is with [`progress`](super::progress).)

/// Makes writing more than the system allows a file to hold (`ulimit -f`, quotas) an error of that file:
/// by default SIGXFSZ ends the process.
pub fn outlive_limits_of_files() {
    // The flag is nobody's: the failing write tells. Where the signal cannot be caught, it stays as it was.
    #[cfg(unix)]
    {
        use std::sync::Arc;
        use std::sync::atomic::AtomicBool;
        let nobodys = Arc::new(AtomicBool::new(false));
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, nobodys);
    }
}
