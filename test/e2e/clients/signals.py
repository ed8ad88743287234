"""Says that it runs, then which signal reached it."""

import signal
import sys


def say(number, _frame):
    print("got", signal.Signals(number).name, flush=True)
    sys.exit(42)


for each in (signal.SIGTERM, signal.SIGINT):
    signal.signal(each, say)
print("ready", flush=True)
while True:
    signal.pause()
