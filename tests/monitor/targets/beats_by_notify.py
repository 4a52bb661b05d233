"""Speaks sd_notify(3) alone, as a daemon written for systemd's watchdog does; falls silent on its first start."""
import os
import signal
import socket
import sys
import time

first = not os.path.exists(sys.argv[1])
open(sys.argv[1], "a").close()
address = os.environ["NOTIFY_SOCKET"]
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.connect("\0" + address[1:] if address.startswith("@") else address)
interval = int(os.environ["WATCHDOG_USEC"]) / 1e6
assert "WATCHDOG_PID" not in os.environ
notify.send(b"READY=1\nSTATUS=listening")
print(f"ready, watchdog {interval}", flush=True)
for beat in range(3 if first else 1_000_000):
    notify.send(b"WATCHDOG=1")
    time.sleep(interval / 10)
while True:
    signal.pause()
