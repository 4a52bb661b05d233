//! What glider's own processes leave behind for one another, written by one that has been taken over: the
//! spool, the footer, the page of the plugin host.

use glider::plugin::Supervisor;
use glider::report::render::{Format, Style, render_footer};
use glider::report::{Footer, Module, PluginText, Status};
use glider::session::Output;
use glider::session::spool::{self, SpoolReader, SpoolWriter};
use std::fs::File;
use std::io::sink;
use std::os::unix::fs::FileExt;

/// Threads that the spools are about.
const THREADS: usize = 3;
/// Where the second branch of a spool begins.
const BRANCH: u64 = 1 << 30;
/// Bytes of the page, before those of the footer.
const PAGE: usize = 40;
/// A host that has done everything, after 2 threads and 100 bytes of the spool.
const DONE: [u64; PAGE / 8] = [0, 0, 2, 100, 1];

thread_local! {
    static SPOOL: File = spool::create().unwrap();
    static SUPERVISOR: Supervisor<'static> = Supervisor::new(Box::leak(Box::default())).unwrap();
}

/// The bytes as the first branch of a spool, and their second half as the next one.
pub(crate) fn read_spool(bytes: &[u8]) {
    SPOOL.with(|file| {
        file.set_len(0).unwrap();
        file.write_all_at(bytes, 0).unwrap();
        file.write_all_at(&bytes[bytes.len() / 2..], BRANCH).unwrap();
        let reader = SpoolReader::new(file.try_clone().unwrap(), THREADS);
        for part in reader.header.iter().chain(reader.threads.iter().flatten()) {
            reader.copy(*part, &mut sink()).unwrap();
        }
        reader.footer.as_ref().map(render);
    });
}

/// The bytes as the footer of an analysis, which is added to another one.
pub(crate) fn read_footer(bytes: &[u8]) {
    if let Ok(footer) = postcard::from_bytes::<Footer>(bytes) {
        render(&footer);
        let mut all = example();
        all.merge(footer);
        render(&all);
    }
}

/// The bytes as what a plugin host left on its page, and its footer.
pub(crate) fn judge_host(bytes: &[u8]) {
    let mut page = [0; PAGE];
    let length = bytes.len().min(PAGE);
    page[..length].copy_from_slice(&bytes[..length]);
    let mut words = page.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
    let page = std::array::from_fn(|_| words.next().unwrap());
    SPOOL.with(|file| {
        file.set_len(0).unwrap();
        let mut output = SpoolWriter::new(file.try_clone().unwrap());
        output.put_header(b"header");
        let judged = SUPERVISOR.with(|supervisor| {
            supervisor.judge_remains(page, bytes.get(PAGE..).unwrap_or_default(), &mut output)
        });
        let footer = judged.unwrap_or_else(|why| Footer { problems: vec![why], ..Footer::default() });
        render(&footer);
        output.put_footer(&footer).unwrap();
    });
}

pub(crate) fn spools() -> Vec<Vec<u8>> {
    let file = spool::create().unwrap();
    let mut output = SpoolWriter::new(file.try_clone().unwrap());
    output.put_header(b"header");
    output.begin_thread(1);
    output.append(b"thread");
    output.end_thread();
    output.put_footer(&example()).unwrap();
    let mut bytes = vec![0; output.size() as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    vec![bytes]
}

pub(crate) fn footers() -> Vec<Vec<u8>> {
    vec![postcard::to_stdvec(&example()).unwrap()]
}

pub(crate) fn pages() -> Vec<Vec<u8>> {
    let page: Vec<u8> = DONE.iter().flat_map(|word| word.to_le_bytes()).collect();
    vec![[page, footers().remove(0)].concat()]
}

fn render(footer: &Footer) {
    for format in [Format::Text, Format::Json] {
        for verbose in [false, true] {
            let mut rendered = Vec::new();
            render_footer(footer, Status::Partial, format, Style { color: verbose, verbose }, &mut rendered);
        }
    }
}

/// A footer with one of each.
fn example() -> Footer {
    let module = Module {
        filename: "/usr/bin/server".into(),
        base_addr: glider::address::Address(0x1000),
        end_addr: glider::address::Address(0x2000),
        debug_id: Some("ab".into()),
        read_from: None,
        debug_info: None,
        problem: Some("no debug information".into()),
        remedy: None,
    };
    Footer {
        modules: vec![module],
        plugin_output: vec![PluginText { plugin: "gimli_x.so".into(), text: "said".into() }],
        problems: vec!["one".into()],
        ..Footer::default()
    }
}
