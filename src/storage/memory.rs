//! How much memory the system has left for this process.

use std::path::Path;

use super::read_text;

/// Bytes that can be had without others being pushed out: what the system has available, within the
/// limits of the control groups this process is in. `None` where the system does not say.
pub fn available() -> Option<u64> {
    let system = bytes_of("/proc/meminfo", "MemAvailable:")?;
    let groups = read_text(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let limits = groups.lines().filter_map(left_in_group);
    Some(limits.fold(system, u64::min))
}

/// Bytes that this process holds beyond mapped files, where the system says so.
pub fn anonymous() -> Option<u64> {
    bytes_of("/proc/self/status", "RssAnon:")
}

/// A field of a file that gives kilobytes.
fn bytes_of(file: &str, field: &str) -> Option<u64> {
    let text = read_text(Path::new(file)).ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(1024 * kilobytes)
}

/// What a control group and those above it leave, by its line of `/proc/self/cgroup`.
fn left_in_group(line: &str) -> Option<u64> {
    let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
    let (root, limit, used) = match controllers {
        "" => ("/sys/fs/cgroup", "memory.max", "memory.current"),
        "memory" => (
            "/sys/fs/cgroup/memory",
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
        ),
        _ => return None,
    };
    let number = |dir: &Path, file: &str| -> Option<u64> {
        read_text(&dir.join(file)).ok()?.trim().parse().ok()
    };
    let dir = Path::new(root).join(group.trim_start_matches('/'));
    dir.ancestors()
        .take_while(|dir| dir.starts_with(root))
        .filter_map(|dir| {
            let stat = read_text(&dir.join("memory.stat")).unwrap_or_default();
            let used = number(dir, used)?.saturating_sub(droppable(&stat));
            Some(number(dir, limit)?.saturating_sub(used))
        })
        .min()
}

/// Bytes of file pages by a `memory.stat`: they count as used and can be had back, but for those of files
/// that are nowhere but in memory.
fn droppable(stat: &str) -> u64 {
    let field = |names: [&str; 2]| {
        stat.lines().find_map(|line| {
            let (name, bytes) = line.split_once(' ')?;
            names.contains(&name).then(|| bytes.parse::<u64>().ok())?
        })
    };
    let files = field(["file", "total_cache"]).unwrap_or(0);
    files.saturating_sub(field(["shmem", "total_shmem"]).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn there_is_some() {
        assert!(available().unwrap() > 1 << 20);
        assert_eq!(left_in_group("3:cpuset:/"), None);
        assert_eq!(left_in_group("nonsense"), None);
    }

    #[test]
    fn pages_of_files_can_be_had_back_but_not_those_in_memory_alone() {
        assert_eq!(droppable("anon 7\nfile 100\nshmem 30\n"), 70);
        assert_eq!(droppable("cache 5\ntotal_cache 90\ntotal_shmem 100\n"), 0);
        assert_eq!(droppable(""), 0);
    }
}
