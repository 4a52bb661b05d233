//! Shapes of stacks: deep, inlined, generic, through closures and the standard library.

use crate::process::block_here;
use crate::{Scenario, argument};
use std::ops::{Add, Mul};

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("deep-recursion", "[FRAMES]", deep_recursion),
    ("inlined", "", |_| inlined()),
    ("sort-callback", "", |_| sort_callback()),
    ("trait-object", "", |_| trait_object()),
];

#[inline(never)]
fn walk_directory(level: usize, levels: usize) -> usize {
    let mut entries = level * 2;
    if level == levels {
        block_here();
    } else {
        entries += walk_directory(level + 1, levels);
    }
    entries + level
}

fn deep_recursion(arguments: &[String]) {
    let levels = argument(arguments, 0, 200, 20_000);
    println!("{} entries", walk_directory(1, levels));
}

/// A header parser whose pieces the compiler folds into one function.
struct Header<'line, N> {
    name: &'line str,
    value: N,
}

#[inline(always)]
fn digit_value(digit: u8) -> u8 {
    let value = digit - b'0';
    if value == 7 {
        block_here();
    }
    value
}

#[inline(always)]
fn parse_number<N: From<u8> + Add<Output = N> + Mul<Output = N>>(text: &str) -> N {
    let mut number = N::from(0);
    for digit in text.bytes() {
        let next = digit_value(digit);
        number = number * N::from(10) + N::from(next);
    }
    number
}

#[inline(always)]
fn parse_header<N: From<u8> + Add<Output = N> + Mul<Output = N>>(line: &str) -> Option<Header<'_, N>> {
    let (name, text) = line.split_once(':')?;
    let value = parse_number(text);
    Some(Header { name, value })
}

#[inline(never)]
fn parse_request(line: &str) -> bool {
    let header = parse_header::<u64>(line);
    if let Some(header) = &header {
        println!("{} is {}", header.name, header.value);
    }
    header.is_some()
}

fn inlined() {
    println!("{}", parse_request("length:4179"));
}

#[derive(Debug)]
struct Route {
    prefix: &'static str,
    cost: u32,
}

fn sort_callback() {
    let mut routes = vec![
        Route { prefix: "10.0.0.0/8", cost: 20 },
        Route { prefix: "192.168.0.0/16", cost: 7 },
        Route { prefix: "0.0.0.0/0", cost: 100 },
    ];
    let mut comparisons = 0;
    routes.sort_by(|left, right| {
        comparisons += 1;
        if comparisons == 2 {
            block_here();
        }
        left.cost.cmp(&right.cost).then(left.prefix.cmp(right.prefix))
    });
    println!("{routes:?}");
}

trait Shape {
    fn name(&self) -> String;
    fn area(&self) -> f64;
}

struct Square {
    side: f64,
}

struct Circle {
    radius: f64,
}

impl Shape for Square {
    fn name(&self) -> String {
        "square".to_string()
    }

    fn area(&self) -> f64 {
        self.side * self.side
    }
}

impl Shape for Circle {
    fn name(&self) -> String {
        "circle".to_string()
    }

    fn area(&self) -> f64 {
        let square = self.radius * self.radius;
        block_here();
        std::f64::consts::PI * square
    }
}

#[inline(never)]
fn total_area(shapes: &[Box<dyn Shape>], scale: f64) -> f64 {
    shapes.iter().map(|shape| scale * shape.area()).sum()
}

fn trait_object() {
    let shapes: Vec<Box<dyn Shape>> = vec![Box::new(Square { side: 3.0 }), Box::new(Circle { radius: 2.0 })];
    let total = total_area(&shapes, 0.5);
    println!("{:?} {total}", shapes.iter().map(|shape| shape.name()).collect::<Vec<_>>());
}
