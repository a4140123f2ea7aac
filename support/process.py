"""What a process holds, from /proc: memory, files and connections."""

import os
from pathlib import Path

MEBIBYTE = 1024 * 1024
_ESTABLISHED = "01"
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident(process: int | str = "self") -> float:
    """Resident memory in MiB."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE / MEBIBYTE


def peak_from_now(process: int | str = "self") -> float:
    """Resident memory in MiB; from now on ``peak`` is the most that has been resident since."""
    Path(f"/proc/{process}/clear_refs").write_text("5")
    return resident(process)


def peak(process: int | str = "self") -> float:
    """The most that was ever resident, in MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def descriptors(process: int | str = "self") -> int:
    """Open files and sockets."""
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def children(process: int) -> list[int]:
    """Its direct children, oldest first."""
    found = []
    for thread in Path(f"/proc/{process}/task").iterdir():
        found += [int(child) for child in (thread / "children").read_text().split()]
    return sorted(found)


def connections(process: int, port: int) -> int:
    """Established connections of a process whose local end is ``port``."""
    held = set()
    for link in Path(f"/proc/{process}/fd").iterdir():
        try:
            target = str(link.readlink())
        except OSError:  # closed while we looked
            continue
        if target.startswith("socket:["):
            held.add(target[8:-1])
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[9] in held and row[3] == _ESTABLISHED and int(row[1].partition(":")[2], 16) == port for row in rows)
