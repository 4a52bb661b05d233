"""Writes the variables of the attached Rust process as gdb and Rust's own pretty printers show them.

Sourced by gdb (`gdb -x rust_values.py -p PID`). Environment: GIMLI_DUMP_OUT (file to write),
GIMLI_RUST_PRINTERS (the folder of gdb_lookup.py, `lib/rustlib/etc` of rustc's sysroot), GIMLI_FUNCTIONS
(text that the names of the functions looked at hold).

The file: {function: {variable: value}}, JSON. A value is a string (numbers, too), a list, {"variant", "members"},
{"map": [[key, value]]}, {"members": {name: value}}, {"address"} for pointers, or null: not judged.
"""

import json
import os
import sys

import gdb

sys.path.insert(0, os.environ["GIMLI_RUST_PRINTERS"])
import gdb_lookup

LIMIT = 64
RECORDS = (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)


def printed(printer):
    """What a pretty printer of Rust's says."""
    hint = printer.display_hint() if hasattr(printer, "display_hint") else None
    if hint == "string":
        shown = printer.to_string()
        if hasattr(shown, "value"):
            # A lazy string is an array of bytes of the string's length.
            if shown.length == 0:
                return ""
            data = gdb.selected_inferior().read_memory(shown.address, shown.length)
            return data.tobytes().decode()
        return str(shown)
    if not hasattr(printer, "children"):
        return tree(printer.to_string())
    children = []
    for child in printer.children():
        if len(children) >= LIMIT * 2:
            break
        children.append(child)
    if hint == "map":
        values = [tree(value) for _, value in children]
        return {"map": [list(pair) for pair in zip(values[::2], values[1::2])]}
    if hint == "array":
        return [tree(value) for _, value in children[:LIMIT]]
    return {"members": {name: tree(value) for name, value in children}}


def tree(value):
    """A value as plain data."""
    if not isinstance(value, gdb.Value):
        return str(value)
    if value.is_optimized_out:
        return None
    type_ = value.type.strip_typedefs()
    printer = gdb.default_visualizer(value)
    if printer is not None:
        return printed(printer)
    if type_.code in RECORDS:
        fields = [field for field in type_.fields() if hasattr(field, "bitpos")]
        fields = [field for field in fields if field.name or not field.artificial]
        if len(fields) == 1 and str(fields[0].type) == "%s::%s" % (type_, fields[0].name):
            inner = value[fields[0]]
            names = [field.name for field in inner.type.fields()]
            return {"variant": fields[0].name, "members": [tree(inner[name]) for name in names]}
        if str(type_).startswith(("core::", "alloc::", "std::", "&dyn ")):
            return None
        return {"members": {field.name: tree(value[field]) for field in fields}}
    if type_.code == gdb.TYPE_CODE_ARRAY:
        low, high = type_.range()
        return [tree(value[index]) for index in range(low, min(high + 1, low + LIMIT))]
    if type_.code in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_REF):
        return {"address": int(value)}
    if type_.code == gdb.TYPE_CODE_ENUM:
        return str(value).rsplit("::", 1)[-1]
    if type_.code == gdb.TYPE_CODE_FLT or type_.sizeof == 0:
        return None
    if type_.code == gdb.TYPE_CODE_BOOL:
        return "true" if value else "false"
    return value.format_string(format="d" if type_.is_signed else "u")


def main():
    found = {}
    for objfile in gdb.objfiles():
        gdb_lookup.register_printers(objfile)
    frame = gdb.newest_frame()
    while frame is not None:
        name = frame.name() or ""
        if os.environ["GIMLI_FUNCTIONS"] in name:
            variables = found.setdefault(name.rsplit("::", 1)[-1], {})
            block = frame.block()
            while block is not None:
                for symbol in block:
                    if symbol.is_variable or symbol.is_argument:
                        try:
                            variables.setdefault(symbol.name, tree(symbol.value(frame)))
                        except (gdb.error, RuntimeError, UnicodeDecodeError, ValueError) as error:
                            variables.setdefault(symbol.name, {"error": str(error)})
                if block.function is not None:
                    break
                block = block.superblock
        frame = frame.older()
    with open(os.environ["GIMLI_DUMP_OUT"], "w", encoding="utf-8") as out:
        json.dump(found, out)


for setting in ("pagination off", "confirm off", "width 0", "print elements 200"):
    gdb.execute("set " + setting)
main()
