//! The line table of one unit (DWARF 5 §6.2), decoded once.

use super::Unit;
use crate::address::FileAddress;
use std::sync::Arc;

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLine {
    /// Path as recorded by the compiler, joined with the compilation directory.
    pub file: Option<Arc<str>>,
    /// Line, from 1; `None` for code that belongs to no line.
    pub line: Option<u32>,
    /// Column, from 1; `None` where the compiler gives none.
    pub column: Option<u32>,
}

#[derive(Clone, Copy)]
struct Row {
    address: u64,
    file: u64,
    line: u32,
    column: u32,
    is_statement: bool,
}

/// Rows from one address to an end-of-sequence mark.
struct Sequence {
    start: u64,
    end: u64,
    rows: Vec<Row>,
}

pub(super) struct LineTable {
    sequences: Vec<Sequence>,
}

impl LineTable {
    pub(super) fn new(unit: &Unit) -> LineTable {
        let mut table = LineTable { sequences: Vec::new() };
        let Some(program) = unit.unit.line_program.clone() else { return table };
        let mut rows: Vec<Row> = Vec::new();
        let mut state = program.rows();
        while let Ok(Some((_, row))) = state.next_row() {
            if row.end_sequence() {
                table.close_sequence(std::mem::take(&mut rows), row.address());
                continue;
            }
            rows.push(Row {
                address: row.address(),
                file: row.file_index(),
                line: row.line().map_or(0, |line| u32::try_from(line.get()).unwrap_or(0)),
                column: match row.column() {
                    gimli::ColumnType::LeftEdge => 0,
                    gimli::ColumnType::Column(column) => u32::try_from(column.get()).unwrap_or(0),
                },
                is_statement: row.is_stmt(),
            });
        }
        table.sequences.sort_by_key(|sequence| sequence.start);
        table
    }

    fn close_sequence(&mut self, mut rows: Vec<Row>, end: u64) {
        let Some(start) = rows.first().map(|row| row.address) else { return };
        // Zero is where linkers leave the lines of code they dropped.
        if start != 0 && start < end {
            rows.shrink_to_fit();
            self.sequences.push(Sequence { start, end, rows });
        }
    }

    /// The row in force at `pc`. Of rows at one address the last counts, as for a debugger: the
    /// earlier ones cover no code. A row that is no statement start yields to the statement row
    /// at the same address; one for code that the compiler ascribes to no line (line 0) yields to the
    /// last line before it.
    fn find(&self, pc: FileAddress) -> Option<&Row> {
        let after = self.sequences.partition_point(|sequence| sequence.start <= pc.0);
        let sequence = self.sequences.get(..after)?.iter().rev().find(|sequence| pc.0 < sequence.end)?;
        let after = sequence.rows.partition_point(|row| row.address <= pc.0);
        let before = sequence.rows.get(..after)?;
        let last = before.last()?;
        let mut same_address = before.iter().rev().take_while(|row| row.address == last.address);
        let row = same_address.find(|row| row.is_statement).unwrap_or(last);
        let with_line = |row: &&Row| row.line != 0;
        Some(if row.line == 0 { before.iter().rev().find(with_line).unwrap_or(row) } else { row })
    }
}

impl Unit {
    /// The source line of the instruction at `pc`.
    pub fn source_line(&self, pc: FileAddress) -> Option<SourceLine> {
        if let Some(skeleton) = self.skeleton {
            return skeleton.source_line(pc);
        }
        let row = self.lines.get_or_init(|| LineTable::new(self)).find(pc)?;
        Some(SourceLine {
            file: self.file_path(row.file),
            line: (row.line != 0).then_some(row.line),
            column: (row.column != 0).then_some(row.column),
        })
    }

    /// Path of a file of the unit's line table (`DW_AT_call_file`, `DW_AT_decl_file`): name, below
    /// its directory, below the compilation directory (DWARF 5 §6.2.4.1).
    pub fn file_path(&self, index: u64) -> Option<Arc<str>> {
        if let Some(skeleton) = self.skeleton {
            return skeleton.file_path(index);
        }
        if let Some(known) = self.file_paths.borrow().get(&index) {
            return known.clone();
        }
        let path = self.read_file_path(index);
        self.file_paths.borrow_mut().insert(index, path.clone());
        path
    }

    fn read_file_path(&self, index: u64) -> Option<Arc<str>> {
        let header = self.unit.line_program.as_ref()?.header();
        let file = header.file(index)?;
        let text = |value| {
            let bytes = self.file.dwarf.attr_string(&self.unit, value).ok()?;
            Some(String::from_utf8_lossy(bytes.slice()).into_owned())
        };
        let unit_directory =
            self.unit.comp_dir.map(|bytes| String::from_utf8_lossy(bytes.slice()).into_owned());
        let directory = file.directory(header).and_then(text);
        let name = text(file.path_name())?;
        let mut path = String::new();
        for part in [unit_directory, directory, Some(name)].into_iter().flatten() {
            if part.starts_with('/') {
                path.clear();
            } else if !path.is_empty() && !path.ends_with('/') {
                path.push('/');
            }
            path.push_str(&part);
        }
        Some(path.into())
    }
}
