"""What an old monitor does for its server: eight bytes of shared memory, and SIGCONT after it stopped.

old_monitor.py HOW COMMAND...   HOW: usr2 (handles SIGUSR2), deaf (would die of it), die (exits while the server is
stopped)
"""
import mmap
import os
import signal
import sys
import tempfile

how, command = sys.argv[1], sys.argv[2:]
asked = []
if how == "usr2":
    signal.signal(signal.SIGUSR2, lambda *_: asked.append(1))
segment = tempfile.TemporaryFile(buffering=0)
segment.write(bytes(8))
memory = mmap.mmap(segment.fileno(), 8)
os.set_inheritable(segment.fileno(), True)
os.environ["GIMLI_HB_FD"] = str(segment.fileno())
os.environ["GIMLI_MONITOR_PID"] = str(os.getpid())
pid = os.fork()
if pid == 0:
    os.execvp(command[0], command)
while True:
    _, status = os.waitpid(pid, os.WUNTRACED)
    state, ticks = int.from_bytes(memory[:4], "little"), int.from_bytes(memory[4:8], "little")
    if os.WIFSTOPPED(status):
        print(f"stopped, state {state}, asked {len(asked)}", flush=True)
        if how == "die":
            os._exit(0)
        os.kill(pid, signal.SIGCONT)
    else:
        print(f"ended by {os.WTERMSIG(status)}, state {state}, ticks {ticks}", flush=True)
        break
