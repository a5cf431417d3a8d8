"""The clock of the machine, for processes of a test alone: moved_clock.cc, preloaded."""
import os
import struct
import time

DAY = 24 * 3600


class MovedClock:
    """By how much processes that get its `environment` see the clock moved; it may be moved while they run."""

    def __init__(self, library, path, seconds=0):
        self.path, self.environment = path, {"LD_PRELOAD": str(library), "MOVED_CLOCK": str(path)}
        path.write_bytes(bytes(16))
        self.move(seconds)

    def move(self, seconds):
        self._write(seconds, 0)

    def stand_still(self):
        self._write(0, time.time_ns())

    def _write(self, seconds, stands_at):
        with open(self.path, "rb+", buffering=0) as file:  # in place: it is mapped
            os.pwrite(file.fileno(), struct.pack("qq", seconds, stands_at), 0)
