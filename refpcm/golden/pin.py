"""Finding a kit by its folder, or by the version that somebody relies on."""

import re

from refpcm.errors import RefpcmError
from refpcm.golden.kit import KITS, Kit

VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})(?:@([0-9a-f]{8,64}))?")  # 1.1 or 1.1@<digits of its SHA-256>


def find_kit(wanted=None):
    """Return the Kit of a folder; of a version such as "1.1", the one that refpcm has; of None, the default one.

    A version is a lower bound: a later one of the same major number has the same cases and some more. With "@" and at
    least eight digits of its SHA-256, as `check` prints them, it is that kit and no other.
    Raises RefpcmError for an older kit, another digest, a major number that refpcm does not have, and as `Kit` does.
    """
    pinned = VERSION.fullmatch(str(wanted))
    if not pinned:
        return Kit(wanted)
    major, minor, digest = pinned.groups()
    folder = KITS.get(int(major))
    if folder is None:
        raise RefpcmError(f"--kit {wanted}: this refpcm has no kit of version {major}; install one that has it")
    kit = Kit(folder)
    version = kit.manifest["version"]
    if _numbers(version) < (int(major), int(minor)):
        raise RefpcmError(f"--kit {wanted}: the kit of this refpcm is {version}, which is older; install a later one")
    if digest and not kit.digest.startswith(digest):
        raise RefpcmError(f"--kit {wanted}: the kit of this refpcm is {version}@{kit.digest[:12]}, another one; "
                          "install the refpcm that has the kit you name, or name this one")
    return kit


def _numbers(version):
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
