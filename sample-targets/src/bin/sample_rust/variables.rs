//! Variables of the kinds that the language itself has, held by a chain of functions while the last one blocks.

#![expect(dead_code, reason = "the fields are for whoever looks at the process from outside")]

use crate::Scenario;
use crate::variables_std::hold_strings;
use std::hint::black_box;

pub(crate) const SCENARIOS: &[Scenario] = &[("variables", "", |arguments| {
    println!("{}", hold_scalars(i32::try_from(arguments.len()).map_or(1, |count| count + 1)));
})];

/// Keeps values alive, and where the compiler likes them, until here.
macro_rules! keep {
    ($($variable:expr),* $(,)?) => {
        $( black_box(&$variable); )*
    };
}
pub(crate) use keep;

#[inline(never)]
fn hold_scalars(seed: i32) -> i32 {
    let yes = seed > 0;
    let no = seed < 0;
    let byte = 254 + seed as u8;
    let signed_byte = i8::MIN + (seed - 1) as i8;
    let small = -300 * seed as i16;
    let port = 65_534 + seed as u16;
    let negative = -seed;
    let mask = 0xdead_beef * seed as u32;
    let smallest = i64::MIN + i64::from(seed - 1);
    let largest = u64::MAX - (seed - 1) as u64;
    let wide = (i128::from(seed) << 100) + 7;
    let unsigned_wide = u128::MAX - seed as u128;
    let size = usize::MAX / seed as usize;
    let signed_size = -isize::try_from(seed).unwrap_or(1);
    let ratio = 0.1 * seed as f32;
    let pi = std::f64::consts::PI * f64::from(seed);
    let infinite = f64::from(seed) / 0.0;
    let not_a_number = 0.0 / f64::from(seed - 1);
    let letter = char::from(b'@' + seed as u8);
    let emoji = '\u{1F600}';
    let unit = ();
    let below = hold_references(seed);
    keep!(yes, no, byte, signed_byte, small, port, negative, mask, smallest, largest, wide, unsigned_wide);
    keep!(size, signed_size, ratio, pi, infinite, not_a_number, letter, emoji, unit);
    below + negative
}

static GREETING: &str = "hello";
static mut COUNTER: u32 = 5;

#[inline(never)]
fn hold_references(seed: i32) -> i32 {
    let mut number = 41 + seed;
    let raw = &raw const number;
    let reference = &number;
    let to_reference = &reference;
    let array = [1, 2, 3, seed];
    let grid = [[1u8, 2, 3], [4, 5, seed as u8]];
    let zeros = [0u16; 200];
    let slice = &array[1..];
    let empty: &[u64] = &[];
    let text = &GREETING[1..4];
    let null = std::ptr::null::<i32>();
    let wild = std::ptr::without_provenance::<i32>(black_box(0x7ead_0000_bee0));
    let function: fn(i32) -> i32 = hold_tuples;
    let counter = &raw const COUNTER;
    let below = function(seed);
    keep!(raw, to_reference, grid, zeros, slice, empty, text, null, wild, counter);
    number += below;
    number
}

#[inline(never)]
fn hold_tuples(seed: i32) -> i32 {
    let pair = (seed, "second");
    let nested = ((1u8, 2.5f32), [seed; 2], ());
    let range = 1..seed + 9;
    let inclusive = b'a'..=b'z';
    let from = seed..;
    let single = (seed,);
    let (first, ref second) = pair;
    let below = {
        let seed = f64::from(seed) / 2.0; // shadows on purpose
        let inner = hold_structures(first);
        keep!(seed);
        inner
    };
    keep!(pair, nested, range, inclusive, from, single, second);
    below
}

#[derive(Clone, Copy, Debug)]
struct Point<T> {
    x: T,
    y: T,
}

#[derive(Debug)]
struct Meters(f64);

#[derive(Debug)]
struct Marker;

#[derive(Debug)]
#[repr(C, packed)]
struct WireHeader {
    version: u8,
    sequence: u32,
    stamp: u64,
}

#[derive(Debug)]
struct Rectangle<'label> {
    corner: Point<i32>,
    size: Point<f64>,
    label: &'label str,
    parent: Option<&'label Rectangle<'label>>,
}

#[derive(Clone, Copy)]
union Number {
    integer: u64,
    real: f64,
}

impl Rectangle<'_> {
    #[inline(never)]
    fn grow(&mut self, by: Point<i32>) -> i32 {
        self.corner.x -= by.x;
        let below = hold_enumerations(by.y);
        self.size.x += 1.0;
        below
    }
}

#[inline(never)]
fn hold_structures(seed: i32) -> i32 {
    let point = Point { x: 10 * seed, y: -seed };
    let outer = Rectangle { corner: point, size: Point { x: 640.0, y: 480.0 }, label: "outer", parent: None };
    let mut inner = Rectangle {
        corner: Point { x: 5, y: 6 },
        size: Point { x: 1.5, y: 2.5 },
        label: "inner",
        parent: Some(&outer),
    };
    let distance = Meters(12.5 * f64::from(seed));
    let marker = Marker;
    let header = WireHeader { version: 4, sequence: 0x0102_0304, stamp: 0x1122_3344_5566_7788 };
    let number = Number { real: 2.5 * f64::from(seed) };
    let below = inner.grow(Point { x: 1, y: seed });
    // SAFETY: each of the eight bytes was written as a double, and any bits are an integer.
    let bits = unsafe { number.integer };
    // SAFETY: the union was written through this very field.
    let real = unsafe { number.real };
    keep!(point, inner, distance, marker, header, bits, real, inner.parent);
    below
}

#[derive(Debug)]
enum Color {
    Red,
    Green,
    Blue,
}

#[derive(Debug)]
#[repr(i16)]
enum Sparse {
    Low = -5,
    High = 1000,
}

#[derive(Debug)]
enum Request<'text> {
    Ping,
    Get { key: &'text str, attempt: u8 },
    Put(String, Vec<u8>),
    Resize(Point<i32>),
}

#[derive(Debug)]
enum Tree {
    Leaf(i32),
    Branch(Box<Tree>, Box<Tree>),
}

#[inline(never)]
fn hold_enumerations(seed: i32) -> i32 {
    let colors = [Color::Red, Color::Green, Color::Blue];
    let (low, high) = (Sparse::Low, Sparse::High);
    let ping = Request::Ping;
    let get = Request::Get { key: "user", attempt: seed as u8 };
    let put = Request::Put("name".to_string(), vec![1, 2, seed as u8]);
    let resize = Request::Resize(Point { x: seed, y: 2 });
    let some = Some(seed);
    let none: Option<i32> = black_box(None);
    let some_reference = Some(&some);
    let no_reference: Option<&i32> = black_box(None);
    let some_box = Some(Box::new(seed));
    let some_letter = Some('x');
    let some_bool = Some(seed > 0);
    let nested: Option<Option<bool>> = Some(black_box(None));
    let ok: Result<u32, String> = Ok(7 * seed as u32);
    let error: Result<u32, String> = Err("no such user".to_string());
    let non_zero = std::num::NonZeroU32::new(9 * seed as u32);
    let order = seed.cmp(&0);
    let tree = Tree::Branch(Box::new(Tree::Leaf(seed)), Box::new(Tree::Leaf(2)));
    let below = hold_strings(seed);
    keep!(colors, low, high, ping, get, put, resize, some, none, some_reference, no_reference, some_box);
    keep!(some_letter, some_bool, nested, ok, error, non_zero, order, tree);
    below
}
