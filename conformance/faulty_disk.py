"""A disk below one directory that fails or dawdles when a test says so; see faulty_disk.c."""

import contextlib
import errno
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).parent / "faulty_disk.c"


class FaultyDisk:
    """Everything below `home`, for processes that are started with `settings`."""

    def __init__(self, home):
        self.home = pathlib.Path(home).resolve()
        self.library = self.home.with_name(self.home.name + ".so")
        self.control = self.home.with_name(self.home.name + ".fault")
        self.control.write_text("")
        subprocess.run(
            ["cc", "-O1", "-shared", "-fPIC", "-o", str(self.library), str(SOURCE), "-ldl"], check=True
        )

    @property
    def settings(self):
        return {
            "LD_PRELOAD": str(self.library),
            "FAULTY_DISK_DIRECTORY": str(self.home),
            "FAULTY_DISK_CONTROL": str(self.control),
        }

    @contextlib.contextmanager
    def failing(self, calls, number):
        """While inside, `calls` (write, flush or both) fail with an errno of `errno`."""
        with self.told(f"{calls} {getattr(errno, number)}"):
            yield

    @contextlib.contextmanager
    def slow(self, milliseconds):
        """While inside, each write and flush takes so much longer."""
        with self.told(f"both slow {milliseconds}"):
            yield

    @contextlib.contextmanager
    def told(self, line):
        self.control.write_text(line)
        try:
            yield
        finally:
            self.control.write_text("")
