//! Which user of the operating system runs this process: what the audit log says of a command.

use std::os::unix::fs::MetadataExt as _;
use std::sync::LazyLock;

/// The name of the user, or `uid N` where the machine has no name for it.
///
/// Read from `/proc/self`, which belongs to the process's user, and `/etc/passwd`; not from the environment, which anybody
/// sets. Whoever may become that user is that user here: `sudo` and the machine's own log say more.
pub(super) fn process_user() -> &'static str {
    static USER: LazyLock<String> = LazyLock::new(|| {
        let Ok(own) = std::fs::metadata("/proc/self") else { return "unknown".into() };
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        name_of(&users, own.uid()).unwrap_or_else(|| format!("uid {}", own.uid()))
    });
    &USER
}

/// The name of a user's number in the lines of `/etc/passwd`.
fn name_of(users: &str, uid: u32) -> Option<String> {
    let found = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then_some(name)
    });
    found.filter(|name| !name.is_empty() && !name.chars().any(char::is_control)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_by_the_machine() {
        let users =
            "root:x:0:0:root:/root:/bin/sh\nbroken\nbank:x:1001:1001::/home/bank:/bin/sh\n:x:7:7::/:\n";
        assert_eq!(name_of(users, 0).as_deref(), Some("root"));
        assert_eq!(name_of(users, 1_001).as_deref(), Some("bank"));
        assert_eq!(name_of(users, 7), None, "no name");
        assert_eq!(name_of(users, 5), None);
        assert!(!process_user().is_empty());
    }
}
