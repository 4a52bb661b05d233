//! The nearest of many things before an address, without sorting them all.
//!
//! A large program has half a million symbols and as many ranges of code, and a report asks for a few of them. So
//! they are put into buckets of neighbouring addresses, which takes a few steps for each, and a
//! bucket is sorted when it is first looked into.
//!
//! Pipeline place: beside `address`, below objects and debug information; it knows numbers only.

#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::ops::Range;

/// Things for each bucket, on average.
const EACH: usize = 8;

/// Numbers of things, by the addresses of these.
#[derive(Debug, Default)]
pub(crate) struct Nearest {
    /// Lowest address that has a bucket of its own.
    lowest: u64,
    /// A bucket has the addresses that agree in all but so many low bits of their distance from `lowest`.
    bits: u32,
    /// Where each bucket begins in `order`, and where the last one ends.
    starts: Vec<u32>,
    order: RefCell<Order>,
}

#[derive(Debug, Default)]
struct Order {
    /// The things, bucket by bucket.
    numbers: Vec<u32>,
    /// Whether each bucket is sorted by address, then by number.
    is_sorted: Vec<bool>,
}

impl Nearest {
    /// Of `things`: each one's number and address. There are at most
    /// `count` of them, and most of them lie in `range`; any of them may lie anywhere.
    pub(crate) fn new(things: impl Iterator<Item = (u32, u64)>, count: usize, range: Range<u64>) -> Nearest {
        let most = (count / EACH).next_power_of_two();
        let width = range.end.saturating_sub(range.start);
        // As many low bits as leave no more buckets than that.
        let bits = (u64::BITS - width.leading_zeros()).saturating_sub(most.ilog2()).min(u64::BITS - 1);
        let buckets = usize::try_from(width >> bits).unwrap_or(most) + 1;
        let mut nearest =
            Nearest { lowest: range.start, bits, starts: vec![0; buckets + 1], order: RefCell::default() };
        let mut placed = Vec::with_capacity(count);
        for (number, address) in things {
            let bucket = nearest.bucket(address);
            placed.push((number, bucket as u32));
            if let Some(size) = nearest.starts.get_mut(bucket + 1) {
                *size += 1;
            }
        }
        let mut sum = 0;
        for start in &mut nearest.starts {
            sum += *start;
            *start = sum;
        }
        let mut numbers = vec![0; placed.len()];
        let mut next = nearest.starts.clone();
        for (number, bucket) in placed {
            if let Some(place) = next.get_mut(bucket as usize) {
                if let Some(slot) = numbers.get_mut(*place as usize) {
                    *slot = number;
                }
                *place += 1;
            }
        }
        nearest.order = RefCell::new(Order { numbers, is_sorted: vec![false; buckets] });
        nearest
    }

    /// The bucket of an address: of one outside of the range the first or the last.
    fn bucket(&self, address: u64) -> usize {
        let bucket = address.saturating_sub(self.lowest) >> self.bits;
        usize::try_from(bucket).unwrap_or(usize::MAX).min(self.starts.len().saturating_sub(2))
    }

    /// The numbers of those at or before `address`, from the nearest on; of those at one address the highest number
    /// first. `address_of` gives their addresses, which are what they were.
    pub(crate) fn before(&self, address: u64, address_of: impl Fn(u32) -> u64) -> impl Iterator<Item = u32> {
        let mut left = 0;
        if let Some(bucket) = self.sorted(self.bucket(address), &address_of) {
            let order = self.order.borrow();
            let numbers = order.numbers.get(bucket.clone()).unwrap_or_default();
            left = bucket.start + numbers.partition_point(|number| address_of(*number) <= address);
        }
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let number = self.order.borrow().numbers.get(left).copied()?;
            // The first of another bucket?
            let bucket = self.bucket(address_of(number));
            if self.order.borrow().is_sorted.get(bucket) == Some(&true) {
                return Some(number);
            }
            self.sorted(bucket, &address_of)?;
            self.order.borrow().numbers.get(left).copied()
        })
    }

    /// Sorts a bucket, if it is not; gives its place in the order.
    fn sorted(&self, bucket: usize, address_of: &impl Fn(u32) -> u64) -> Option<Range<usize>> {
        let (start, end) = (*self.starts.get(bucket)? as usize, *self.starts.get(bucket + 1)? as usize);
        let mut order = self.order.borrow_mut();
        let Order { numbers, is_sorted } = &mut *order;
        if !std::mem::replace(is_sorted.get_mut(bucket)?, true) {
            // An address is asked for once: a file that changes meanwhile must not make the order contradict itself.
            numbers.get_mut(start..end)?.sort_by_cached_key(|number| (address_of(*number), *number));
        }
        Some(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn before(addresses: &[u64], range: Range<u64>, address: u64) -> Vec<u32> {
        let things = addresses.iter().enumerate().map(|(number, address)| (number as u32, *address));
        let nearest = Nearest::new(things, addresses.len(), range);
        nearest.before(address, |number| addresses[number as usize]).collect()
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_all_sorted(
            addresses in prop::collection::vec(prop_oneof![0..64u64, 1000..1100u64, any::<u64>()], 0..80),
            range in prop_oneof![Just(0..1100), Just(1000..1010), Just(5..5), Just(0..u64::MAX), any::<Range<u64>>()],
            asked in prop_oneof![0..64u64, 990..1100u64, any::<u64>()],
        ) {
            let mut expected: Vec<u32> =
                (0..addresses.len() as u32).filter(|number| addresses[*number as usize] <= asked).collect();
            expected.sort_by_key(|number| std::cmp::Reverse((addresses[*number as usize], *number)));
            prop_assert_eq!(before(&addresses, range, asked), expected);
        }
    }

    #[test]
    fn of_nothing_there_is_nothing_before() {
        assert_eq!(Nearest::default().before(5, |_| 0).count(), 0);
        assert!(before(&[], 0..100, 50).is_empty());
    }
}
