//! glider's processes while it runs, by the place that each has in the tree of /proc.

use std::fs;

/// One of glider's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// The one that was started; it alone holds the target.
    Keeper,
    /// Its first child.
    Opener,
    /// Its second child.
    Analyzer,
    /// A child of the analyzer: one that analyzes threads beside it, or that plugins run in.
    Worker,
}

/// What /proc/PID/stat says of a process.
struct Stat {
    state: char,
    parent: i32,
    group: i32,
    /// When it was started, in ticks of the clock since the machine was.
    started: u64,
}

impl Stat {
    /// Whether it is a zombie, or less.
    fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program may itself hold spaces and parentheses.
    let mut fields = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace();
    Some(Stat {
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
        started: fields.nth(16)?.parse().ok()?,
    })
}

/// The children of a process, those that were forked first before the others.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    // The kernel lists them in that order (proc_pid_task_children(5), CONFIG_PROC_CHILDREN).
    match fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")) {
        Ok(list) => list.split_ascii_whitespace().filter_map(|child| child.parse().ok()).collect(),
        Err(_) => search_children(pid),
    }
}

/// The same of a process of a short life, on a kernel that keeps no list.
fn search_children(pid: i32) -> Vec<i32> {
    // Ids are given in order: a child's is the larger one, except where they began anew between the two.
    let numbers = all().filter(|child| *child > pid);
    let of_parent =
        |child: i32| stat(child).filter(|stat| stat.parent == pid).map(|stat| (stat.started, child));
    let mut children: Vec<(u64, i32)> = numbers.filter_map(of_parent).collect();
    children.sort_unstable();
    children.into_iter().map(|(_, child)| child).collect()
}

/// The ids of all processes.
fn all() -> impl Iterator<Item = i32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The processes of a group that are there; one that has ended and that its new parent has not reaped is not.
pub(crate) fn of_group(group: i32) -> Vec<i32> {
    let is_of_group = |pid: &i32| stat(*pid).is_some_and(|stat| stat.group == group && !stat.has_ended());
    all().filter(is_of_group).collect()
}

/// The process of a running glider that has this role now; `nth` chooses one of several workers.
pub(crate) fn find(keeper: i32, role: Role, nth: usize) -> Option<i32> {
    let of_keeper = children(keeper);
    match role {
        Role::Keeper => Some(keeper),
        Role::Opener => of_keeper.first().copied(),
        Role::Analyzer => of_keeper.get(1).copied(),
        Role::Worker => {
            let workers = children(*of_keeper.get(1)?);
            workers.get(nth.checked_rem(workers.len())?).copied()
        }
    }
}

/// Whether it is there, and no zombie.
pub(crate) fn lives(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| !stat.has_ended())
}
