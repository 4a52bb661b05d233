# Run inside gdb: what its own pretty printers say of the variables of the frames called hold_*, as
# JSON on one line. A value is what it is, whatever it is called.
import itertools
import json
import re

import gdb

# glider's --max-array.
SHOWN = 16
CONTAINERS = re.compile(r"(empty )?std::(__cxx11::)?(vector|deque|list|forward_list|(unordered_)?(multi)?set)\b")


def text_of(value):
    if hasattr(value, "value"):
        # A lazy string: its length is that of an array, or -1 up to the first NUL.
        length = value.length
        value = value.value()
        if value.type.code == gdb.TYPE_CODE_ARRAY:
            unit = value.type.target()
        else:
            unit = value.type.target().unqualified()
        return value.string(length=length) if length >= 0 else value.string()
    if isinstance(value, gdb.Value):
        return value.string()
    return value


def array(values):
    values = list(values)
    return {"kind": "array", "count": len(values), "items": [neutral(value) for value in values[:SHOWN]]}


def printed(value, printer):
    hint = printer.display_hint() if hasattr(printer, "display_hint") else None
    children = list(printer.children()) if hasattr(printer, "children") else []
    if hint == "string":
        return {"kind": "string", "text": text_of(printer.to_string())}
    if hint == "map":
        parts = [child for _, child in children]
        pairs = list(zip(parts[::2], parts[1::2]))
        shown = [[neutral(key), neutral(held)] for key, held in pairs[:SHOWN]]
        return {"kind": "map", "count": len(pairs), "pairs": shown}
    text = text_of(printer.to_string())
    if CONTAINERS.match(text or ""):
        return array(child for _, child in children)
    return {"kind": "other", "text": text, "children": [neutral(child) for _, child in children]}


def neutral(value):
    if not isinstance(value, gdb.Value):
        return {"kind": "scalar", "text": str(value).lower()}
    if value.type.code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        value = value.referenced_value()
    printer = gdb.default_visualizer(value)
    if printer is not None:
        return printed(value, printer)
    type = value.type.strip_typedefs()
    if type.code == gdb.TYPE_CODE_STRUCT:
        fields = [field for field in type.fields() if not field.is_base_class]
        return {"kind": "record", "fields": {field.name: neutral(value[field.name]) for field in fields}}
    if type.code == gdb.TYPE_CODE_ARRAY:
        first, last = type.range()
        return array(value[index] for index in range(first, last + 1))
    if type.code == gdb.TYPE_CODE_PTR:
        return {"kind": "pointer", "address": "nil" if int(value) == 0 else hex(int(value))}
    if type.code == gdb.TYPE_CODE_BOOL:
        return {"kind": "scalar", "text": "true" if value else "false"}
    if type.code == gdb.TYPE_CODE_ENUM:
        return {"kind": "scalar", "text": str(value).split("::")[-1]}
    if type.code == gdb.TYPE_CODE_FLT:
        return {"kind": "scalar", "text": str(float(value))}
    return {"kind": "scalar", "text": str(int(value))}


def main():
    # Not that of the innermost frame, which is the C library's: names of types are spelled in it.
    gdb.execute("set language c++")
    found = {}
    frame = gdb.newest_frame()
    while frame is not None:
        name = frame.name() or ""
        if "hold_" in name:
            variables = found.setdefault(name[name.index("hold_"):].split("(")[0], {})
            block = frame.block()
            while block is not None and block.function is None:
                block = block.superblock
            for symbol in block:
                if symbol.is_variable:
                    try:
                        variables[symbol.name] = neutral(symbol.value(frame))
                    except Exception as error:
                        variables[symbol.name] = {"kind": "error", "text": str(error)}
        frame = frame.older()
    print("NEUTRAL " + json.dumps(found))


main()
