//! Who waits for whom, and where that goes round. Plain numbers.
//!
//! A thread waits for one thing at a time, so each has at most one way on: following it either
//! ends at a thread that can go on, or comes back.

use std::collections::{BTreeMap, BTreeSet};

/// From each thread that waits to the thread it waits for.
pub(crate) type Edges = BTreeMap<i32, i32>;

/// The circles, each from its lowest thread on, in the order of waiting. Takes one step for each thread.
pub(crate) fn cycles(edges: &Edges) -> Vec<Vec<i32>> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for &start in edges.keys() {
        let mut path = Vec::new();
        let mut on_path = BTreeSet::new();
        let mut at = start;
        while seen.insert(at) {
            path.push(at);
            on_path.insert(at);
            match edges.get(&at) {
                Some(&next) => at = next,
                None => break,
            }
        }
        // The walk came back to itself, not to one of an earlier start.
        if on_path.contains(&at) && edges.contains_key(&at) {
            let mut cycle: Vec<i32> = path.into_iter().skip_while(|thread| *thread != at).collect();
            let lowest = cycle.iter().enumerate().min_by_key(|(_, thread)| **thread);
            let turn = lowest.map_or(0, |(index, _)| index);
            cycle.rotate_left(turn);
            found.push(cycle);
        }
    }
    found
}

/// The threads outside of a circle that wait for one of its threads, or for one that does.
pub(crate) fn behind(edges: &Edges, cycle: &[i32]) -> Vec<i32> {
    let mut waiting: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for (&from, &to) in edges {
        waiting.entry(to).or_default().push(from);
    }
    let mut reached: BTreeSet<i32> = cycle.iter().copied().collect();
    let mut todo: Vec<i32> = cycle.to_vec();
    while let Some(thread) = todo.pop() {
        let more = waiting.get(&thread).into_iter().flatten().copied();
        todo.extend(more.filter(|one| reached.insert(*one)).collect::<Vec<_>>());
    }
    let within: BTreeSet<i32> = cycle.iter().copied().collect();
    reached.difference(&within).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges<const N: usize>(pairs: [(i32, i32); N]) -> Edges {
        pairs.into_iter().collect()
    }

    #[test]
    fn circles_are_found_whatever_leads_into_them() {
        assert_eq!(cycles(&edges([(1, 2), (2, 1)])), [[1, 2]]);
        assert_eq!(cycles(&edges([(5, 3), (3, 9), (9, 5), (1, 9), (2, 1)])), [[3, 9, 5]]);
        assert_eq!(cycles(&edges([(4, 4)])), [[4]], "a thread that waits for itself");
        assert_eq!(cycles(&edges([(1, 2), (2, 1), (7, 8), (8, 7)])), [[1, 2], [7, 8]]);
    }

    #[test]
    fn chains_and_trees_are_no_circles() {
        assert!(cycles(&Edges::new()).is_empty());
        assert!(cycles(&edges([(1, 2), (2, 3), (4, 3), (5, 2)])).is_empty());
        assert!(cycles(&edges([(3, 2), (2, 1), (1, 99)])).is_empty());
    }

    #[test]
    fn those_behind_a_circle_are_found_through_others() {
        let all = edges([(1, 2), (2, 1), (3, 1), (4, 3), (6, 7)]);
        assert_eq!(behind(&all, &[1, 2]), [3, 4]);
        assert!(behind(&all, &[6]).is_empty());
    }

    #[test]
    fn a_hundred_thousand_threads_take_no_time() {
        let mut ring: Edges = (0..100_000).map(|thread| (thread, thread + 1)).collect();
        assert!(cycles(&ring).is_empty());
        ring.insert(100_000, 50_000);
        let found = cycles(&ring);
        assert_eq!((found.len(), found[0].len()), (1, 50_001));
        assert_eq!(behind(&ring, &found[0]).len(), 50_000);
    }
}
