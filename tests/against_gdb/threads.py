"""A script with threads that all block, deep in Python and in C, for a debug build of Python."""

import os
import signal
import threading


class Task:
    def __init__(self, size):
        self.size = size
        self.names = {number: str(number) for number in range(size)}


everybody_is_there = threading.Barrier(5)
never = threading.Event()


def work(depth, task):
    text = "depth %d of %d" % (depth, task.size)
    numbers = [depth, 2.5, text]
    if depth > 0:
        return work(depth - 1, task) + numbers
    everybody_is_there.wait()
    never.wait()
    return numbers


for index in range(4):
    threading.Thread(target=work, args=(5 + index, Task(index)), daemon=True).start()
everybody_is_there.wait()
print("ready", os.getpid(), flush=True)
# Through C and back: the main thread blocks in a callback of sorted().
sorted([3, 1, 2], key=lambda number: signal.pause())
