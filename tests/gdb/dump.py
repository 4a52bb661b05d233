"""Writes what gdb knows about every thread of the attached process to a JSON file.

Sourced by gdb (`gdb -x dump.py -p PID`); the comparison reads the file and sets it beside
glider's report. Values are raw: pretty printers are not asked, pointers are not followed.
An error while gdb reads one variable is that variable's value, never the end of the dump.

Environment: GIMLI_DUMP_OUT (file to write), GIMLI_DUMP_FRAMES, GIMLI_DUMP_DEPTH,
GIMLI_DUMP_ARRAY, GIMLI_DUMP_BYTES, GIMLI_DUMP_NODES, GIMLI_DUMP_SECONDS (limits).

The file: {"pid", "version", "problem", "threads": [{"lwp", "end", "frames": [{"kind", "pc",
"sp", "function", "linkage_name", "file", "full_file", "line", "variables": [{"name",
"parameter", "depth", "type", "value"}]}]}]}. A value is an object with "k": number, float,
pointer, bytes, array, record, optimized_out, clobbered, error, uncompared, cut.
"""

import json
import os
import re
import time

import gdb

STARTED = time.monotonic()


def limit(name, default):
    return int(os.environ.get("GIMLI_DUMP_" + name, default))


FRAMES = limit("FRAMES", 300)
DEPTH = limit("DEPTH", 6)
ARRAY = limit("ARRAY", 32)
BYTES = limit("BYTES", 1024)
NODES = limit("NODES", 3000)
SECONDS = limit("SECONDS", 120)

FRAME_KINDS = {
    gdb.NORMAL_FRAME: "normal",
    gdb.INLINE_FRAME: "inline",
    gdb.SIGTRAMP_FRAME: "signal",
    gdb.TAILCALL_FRAME: "tail_call",
    gdb.ARCH_FRAME: "normal",
    gdb.DUMMY_FRAME: "dummy",
}

RECORDS = (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)
NUMBERS = (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_ENUM, gdb.TYPE_CODE_RANGE)
REFERENCES = (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF)
FLAGS = getattr(gdb, "TYPE_CODE_FLAGS", None)


class OutOfTime(Exception):
    """The dump's own time is over."""


def check_time():
    if time.monotonic() - STARTED > SECONDS:
        raise OutOfTime()


def failure(error):
    """gdb's complaint about a value, as a value."""
    text = str(error)
    if "optimized out" in text:
        return {"k": "optimized_out"}
    return {"k": "error", "v": text[:200]}


def number(value, type_):
    if type_.sizeof == 0:
        # Rust's `()`.
        return {"k": "record", "union": False, "members": []}
    if "synthetic" in value.format_string(raw=True):
        # What lies behind the last piece of a location; int() says 0.
        return {"k": "uncompared", "v": "<synthetic pointer>"}
    if type_.sizeof > 8:
        # int() takes at most 8 bytes.
        text = value.format_string(format="d" if type_.is_signed else "u", raw=True)
        if not re.fullmatch(r"-?[0-9]+", text):
            return {"k": "uncompared", "v": text[:200]}
    else:
        text = str(int(value))
    return {"k": "number", "v": text, "size": type_.sizeof}


def pointer(value, type_):
    if type_.code in REFERENCES:
        value = value.referenced_value().address
    address = int(value) & 0xFFFFFFFFFFFFFFFF
    if address == 0 and "synthetic" in value.format_string(raw=True, symbols=False):
        # DW_OP_implicit_pointer: it has no address, int() says 0.
        return {"k": "uncompared", "v": "<synthetic pointer>"}
    return {"k": "pointer", "v": address}


def is_text(type_):
    """One-byte integers: an array of them is compared as bytes."""
    return type_.sizeof == 1 and type_.code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR)


def array(value, type_, depth, budget):
    low, high = type_.range()
    length = max(0, high - low + 1)
    element = type_.target().strip_typedefs()
    if length and element.sizeof and not type_.sizeof:
        # The length of a variable-length array is optimized out; range() says 1 element then.
        return {"k": "uncompared", "v": "an array of unknown length"}
    if is_text(element):
        shown = min(length, BYTES)
        if value.address is not None:
            data = gdb.selected_inferior().read_memory(int(value.address), shown).tobytes() if shown else b""
        else:
            data = bytes(int(value[low + i]) & 0xFF for i in range(shown))
        return {"k": "bytes", "length": length, "hex": data.hex()}
    elements = []
    for i in range(min(length, ARRAY)):
        if budget[0] <= 0:
            break
        elements.append(guarded(lambda i=i: value[low + i], depth + 1, budget))
    return {"k": "array", "length": length, "elements": elements}


def is_variant_part(fields):
    """Whether these are a Rust enum's discriminant and more than one of its variants."""
    is_discriminant = [f.artificial and not f.name and f.type.strip_typedefs().code not in RECORDS for f in fields]
    return any(is_discriminant) and len(fields) > 2


def record(value, type_, depth, budget):
    members = []
    fields = [field for field in type_.fields() if hasattr(field, "bitpos")]
    if value.address is None and is_variant_part(fields):
        # Of a value that is in pieces gdb does not read the discriminant: it shows all variants.
        return {"k": "uncompared", "v": "<all variants of an enum>"}
    for field in type_.fields():
        # Static members have no position: they are no part of the value.
        if not hasattr(field, "bitpos"):
            continue
        anonymous = field.is_base_class or not field.name
        if anonymous and field.artificial and field.type.strip_typedefs().code not in RECORDS:
            # The discriminant of a Rust enum: the member that follows is the variant it selects.
            # Where it is optimized out gdb takes it for 0.
            if value[field].is_optimized_out:
                return {"k": "optimized_out"}
            continue
        members.append(
            {
                "name": None if anonymous else field.name,
                "value": guarded(lambda field=field: value[field], depth + 1, budget),
            }
        )
    return {"k": "record", "union": type_.code == gdb.TYPE_CODE_UNION, "members": members}


def tree(value, depth, budget):
    """The value as plain data. `budget` holds how many nodes this variable may still have."""
    check_time()
    budget[0] -= 1
    if depth > DEPTH or budget[0] <= 0:
        return {"k": "cut"}
    # The value's own type: gdb has worked out lengths and variants in it already.
    type_ = value.type.strip_typedefs()
    code = type_.code
    if code in RECORDS:
        return record(value, type_, depth, budget)
    if code == gdb.TYPE_CODE_ARRAY:
        return array(value, type_, depth, budget)
    if value.is_optimized_out:
        return {"k": "optimized_out"}
    if code in NUMBERS or code == FLAGS:
        return number(value, type_)
    if code == gdb.TYPE_CODE_PTR or code in REFERENCES:
        return pointer(value, type_)
    if code == gdb.TYPE_CODE_FLT:
        # gdb prints as many digits as bring the same value back.
        return {"k": "float", "v": value.format_string(raw=True), "size": type_.sizeof}
    if code == gdb.TYPE_CODE_COMPLEX:
        # `1 + -2i`, in Fortran `(1,-2)`: each part is a float of half the size.
        text = re.sub(r"^\((.*),(.*)\)$", r"\1 + \2i", value.format_string(raw=True))
        return {"k": "float", "v": text, "size": type_.sizeof // 2}
    return {"k": "uncompared", "v": value.format_string(raw=True, max_elements=16)[:200]}


def guarded(get, depth, budget):
    try:
        return tree(get(), depth, budget)
    except (gdb.error, RuntimeError, ValueError, OverflowError, TypeError) as error:
        return failure(error)


def is_variable(symbol):
    """What `info args` and `info locals` list: no types, labels, nested functions, declarations."""
    if symbol.addr_class == gdb.SYMBOL_LOC_OPTIMIZED_OUT and str(symbol.type) == "__CORE_ADDR":
        # A label without an address, which `info locals` takes for a variable.
        return False
    if symbol.is_argument or symbol.is_variable:
        return True
    # Variables with DW_AT_const_value; and the enumerators of local enums, which are no variables.
    if not symbol.is_constant:
        return False
    type_ = symbol.type
    if type_ is None:
        return False
    type_ = type_.strip_typedefs()
    if type_.code != gdb.TYPE_CODE_ENUM:
        return True
    return all(field.name != symbol.name for field in type_.fields())


# Registers that a function may use as it likes (psABI x86-64, figure 3.4): once it has called
# another, nobody knows what was in them.
CLOBBERED = re.compile(r"\$([re]?[acd]x|[re]?[sd]i|[abcd]l|[sd]il|r(8|9|10|11)[dwl]?|[xyz]mm\d+|st\d)\b")
RANGE = re.compile(r"Range (0x[0-9a-f]+)-(0x[0-9a-f]+): ")


def places(symbol, block, is_shadowed):
    """The lines in which gdb says where the symbol of a block is; none where that cannot be told."""
    if not is_shadowed:
        return gdb.execute("info address " + symbol.name, to_string=True).splitlines()
    # `info address` finds the innermost of several with one name. Where the block starts there is none inside of it yet.
    lines = gdb.execute("info scope *%#x" % block.start, to_string=True).splitlines()
    starts = [at for at, line in enumerate(lines) if re.search(r"\bSymbol \S+ is ", line)]
    own = [at for at in starts if "Symbol %s is " % symbol.name in lines[at]]
    if len(own) != 1:
        return []
    end = min([at for at in starts if at > own[0]], default=len(lines))
    return lines[own[0] : end]


def clobbered(lines, frame):
    """The register from which gdb takes a variable of a calling frame although the call does not
    preserve it. gdb shows what an inner frame left there; that is not the variable.

    The compiler tells: its location list has the register up to the return address and no further.
    (Where the register is good behind the call as well, the compiler knows that the callee does
    not touch it: gcc's -fipa-ra.)"""
    ends_here = False
    for line in lines:
        span = RANGE.search(line)
        if span:
            ends_here = int(span.group(2), 16) == frame.pc()
        if not ends_here:
            continue
        if "entry_value" in line:
            # A register as it was when the function was entered: the caller may know.
            return None
        register = CLOBBERED.search(line)
        if register:
            return register.group(0)
    return None


def asks_wrong_caller(lines, frame):
    """Whether the variable is an entry value in an inlined call: gdb looks for what the call into the
    function around it passed, but at the call of the frame beyond."""
    if frame.type() != gdb.INLINE_FRAME:
        return False
    is_here = False
    for line in lines:
        span = RANGE.search(line)
        if span:
            is_here = int(span.group(1), 16) < frame.pc() <= int(span.group(2), 16)
        if is_here and "entry_value" in line:
            return True
    return False


def read(symbol, frame, block, is_calling, is_shadowed):
    if symbol.addr_class == gdb.SYMBOL_LOC_OPTIMIZED_OUT:
        # Not asked for: of some types gdb says that address 0 cannot be read.
        return {"k": "optimized_out"}
    try:
        lines = places(symbol, block, is_shadowed)
    except gdb.error:
        lines = []
    if asks_wrong_caller(lines, frame):
        return {"k": "uncompared", "v": "an entry value in an inlined call"}
    value = guarded(lambda: symbol.value(frame), 0, [NODES])
    if is_calling and value["k"] not in ("optimized_out", "error"):
        register = clobbered(lines, frame)
        if register:
            return {"k": "clobbered", "v": register}
    return value


def variables(frame, is_calling):
    found = []
    try:
        block = frame.block()
    except RuntimeError:
        # No debug information for this pc.
        return found
    depth = 0
    seen = set()
    while block is not None and not block.is_global and not block.is_static:
        for symbol in block:
            check_time()
            if not is_variable(symbol):
                continue
            found.append(
                {
                    "name": symbol.name,
                    "parameter": symbol.is_argument,
                    "depth": depth,
                    "type": str(symbol.type),
                    "value": read(symbol, frame, block, is_calling, symbol.name in seen),
                }
            )
            seen.add(symbol.name)
        if block.function is not None:
            break
        block = block.superblock
        depth -= 1
    return found


def describe(frame, is_calling):
    sal = frame.find_sal()
    symbol = frame.function()
    symtab = sal.symtab if sal is not None else None
    return {
        "kind": FRAME_KINDS.get(frame.type(), "other"),
        "pc": frame.pc(),
        "sp": int(frame.read_register("sp")) & 0xFFFFFFFFFFFFFFFF,
        "function": frame.name(),
        "linkage_name": symbol.linkage_name if symbol is not None else None,
        "file": symtab.filename if symtab is not None else None,
        "full_file": symtab.fullname() if symtab is not None else None,
        "line": sal.line if sal is not None and sal.line > 0 else None,
        "variables": variables(frame, is_calling),
    }


def stack(into):
    """Appends the selected thread's frames to `into`; says why the walk ended."""
    frame = gdb.newest_frame()
    # Whether a call happened in this frame, or else an interruption, which preserves registers.
    is_calling = False
    while frame is not None:
        if len(into) >= FRAMES:
            return "limit"
        # Lengths of variable-length arrays are worked out in the selected frame, not in the one asked.
        frame.select()
        into.append(describe(frame, is_calling))
        if frame.type() != gdb.INLINE_FRAME:
            is_calling = frame.type() != gdb.SIGTRAMP_FRAME
        reason = frame.unwind_stop_reason()
        older = frame.older()
        if older is None:
            if reason in (gdb.FRAME_UNWIND_NO_REASON, gdb.FRAME_UNWIND_OUTERMOST):
                return "outermost"
            return "lost: " + gdb.frame_stop_reason_string(reason)
        frame = older
    return "outermost"


def main():
    inferior = gdb.selected_inferior()
    dump = {"pid": inferior.pid, "version": gdb.VERSION, "problem": None, "threads": []}
    try:
        for thread in sorted(inferior.threads(), key=lambda t: t.num):
            entry = {"lwp": thread.ptid[1], "end": None, "frames": []}
            dump["threads"].append(entry)
            try:
                thread.switch()
                entry["end"] = stack(entry["frames"])
            except (gdb.error, RuntimeError) as error:
                entry["end"] = "lost: " + str(error)[:200]
    except OutOfTime:
        dump["problem"] = "gdb did not finish within %d s" % SECONDS
    with open(os.environ["GIMLI_DUMP_OUT"], "w", encoding="utf-8", errors="surrogateescape") as out:
        json.dump(dump, out)


for setting in (
    "pagination off",
    "confirm off",
    "width 0",
    "print static-members off",
    "print object off",
    "backtrace past-main on",
    "backtrace limit unlimited",
    "max-value-size 16777216",
):
    gdb.execute("set " + setting)
main()
