//! What this process used, as the system counts it.

use std::path::Path;
use std::time::Duration;

/// Processor time so far, user and system, of all threads.
pub(super) fn cpu_time() -> Duration {
    cpu_time_in(Path::new("/proc/self/stat"))
}

/// Processor time so far of the threads that run now and whose name begins so.
pub(super) fn cpu_time_of_threads(name: &str) -> Duration {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let paths = threads.flatten().map(|thread| thread.path());
    let named = paths
        .filter(|path| std::fs::read_to_string(path.join("comm")).is_ok_and(|found| found.starts_with(name)));
    named.map(|path| cpu_time_in(&path.join("stat"))).sum()
}

fn cpu_time_in(stat: &Path) -> Duration {
    let clock_ticks_per_second = 100_u64;
    let stat = std::fs::read_to_string(stat).unwrap_or_default();
    // The name in brackets may hold spaces: count after it. utime and stime are the 12th and 13th from there.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1000 / clock_ticks_per_second)
}

/// Resident memory in bytes.
pub(super) fn resident_bytes() -> u64 {
    const PAGE: u64 = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * PAGE
}

/// Bytes that were sent to a disk so far.
pub(super) fn written_bytes() -> u64 {
    let counted = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let written = counted.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    written.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(0)
}
