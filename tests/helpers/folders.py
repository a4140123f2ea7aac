"""The shipped networks, and a copy of all that a clone would have."""

import shutil
import subprocess
from pathlib import Path

import pytest

from support.folders import ROOT

# The networks that are shipped, as messages list them.
NETWORKS = "animals-3x3, animals-6x16, deep-7x9x9, lenet-6x16, paired-3x3, summed-3x3, tiny-vgg"


def tracked() -> list[str]:
    """The files and links of a clean clone, with what is changed and added here."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("this is no git checkout")
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).exists()]


def clone(folder: Path) -> Path:
    """A folder that holds these, and nothing that was installed or made."""
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name, follow_symlinks=False)
    return folder
