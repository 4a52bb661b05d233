# Run by gdb's Python: prints the physical frames of the selected inferior's threads as JSON.
import json
import gdb

REGISTERS = ["rbx", "rbp", "rsp", "r12", "r13", "r14", "r15"]


def frames():
    frame = gdb.newest_frame()
    while frame is not None:
        # Neither inlined calls nor those that gdb infers from tail calls have a frame on the stack.
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            registers = {}
            for name in REGISTERS:
                try:
                    value = frame.read_register(name)
                    if not value.is_optimized_out:
                        registers[name] = int(value) & 0xFFFFFFFFFFFFFFFF
                except (gdb.error, gdb.MemoryError):
                    pass
            yield {"pc": frame.pc(), "name": frame.name(), "registers": registers}
        frame = frame.older()


threads = {}
for thread in gdb.selected_inferior().threads():
    thread.switch()
    threads[thread.ptid[1]] = list(frames())
print("FRAMES " + json.dumps(threads))
