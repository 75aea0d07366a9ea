"""Read the files of CIFAR-10 from an archive into memory: the official ones, and how others pack them anew.

Nothing is unpacked to the disk. Members count by their last name only: where else one wants to go does not matter.
"""

import bz2
import gzip
import hashlib
import lzma
import tarfile
from pathlib import PurePosixPath

from data_tools.cifar10_batches import LAYOUTS
from data_tools.errors import DataError
from data_tools.foreign_text import shown
from data_tools.reading import open_input, unpacked_limit
from data_tools.zip_file import member_names, read_zip

UNPACKED_LARGEST = 1 << 28  # bytes of an archive; the official ones have 1.9 * 10^8
MOST_MEMBERS = 1000  # the official ones have ten
PIECE = 1 << 16  # bytes read at a time; no header of a tar file is longer
PACKERS = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open))
OTHER_PACKERS = ((b"\x28\xb5\x2f\xfd", "Zstandard"), (b"7z\xbc\xaf\x27\x1c", "7-Zip"), (b"Rar!", "RAR"),
                 (b"\x04\x22\x4d\x18", "LZ4"), (b"\x1f\x9d", "compress"))
INNER = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip", ".7z")


def read_archive(path):
    """(layout, {file name: bytes}, md5 of the archive). Raises DataError for what is none, damaged, or of something else."""
    with open_input(path) as (file, size):
        begin = file.read(6)
        digest = hashlib.md5(begin, usedforsecurity=False)
        while piece := file.read(1 << 20):
            digest.update(piece)
    for magic, name in OTHER_PACKERS:
        if begin.startswith(magic):
            raise DataError(f"{path} is packed by {name}, which is not read; unpack it, and name the folder")
    found = _Found(path)
    if begin.startswith(b"PK"):
        found.names = member_names(path)[:MOST_MEMBERS]
        for name, content in read_zip(path, _is_wanted).items():
            found.put(name, len(content), lambda content=content: content)
    else:
        _read_tar(path, found, next((unpack for magic, unpack in PACKERS if begin.startswith(magic)), open),
                  min(UNPACKED_LARGEST, unpacked_limit(size)))
    return *found.one_layout(), digest.hexdigest()


def _is_wanted(member):
    return any(PurePosixPath(member).name in layout.files for layout in LAYOUTS)


class _Found:
    """What was found in an archive so far: the names of its members, and of the wanted ones the content."""

    def __init__(self, path):
        self.path, self.names, self.files = path, [], {layout: {} for layout in LAYOUTS}

    def put(self, member, size, read):
        """Take a member of `size` bytes, whose content read() returns, into the layouts that want it."""
        name = PurePosixPath(member).name
        for layout in LAYOUTS:
            if name not in layout.files:
                continue
            if name in self.files[layout]:
                raise DataError(f"{self.path} holds {name} twice; this is not the official archive")
            if not 0 <= size <= layout.limit(name):
                raise DataError(f"{self.path}: {name} is too long to be a file of CIFAR-10")
            self.files[layout][name] = read()

    def one_layout(self):
        """(layout, files) of the first layout of which there are batches."""
        for layout, files in self.files.items():
            if any(name in files for name in layout.batches):
                return layout, files
        reason = f"it holds {', '.join(shown(name, 40) for name in self.names[:3]) or 'nothing'}"
        if any("cifar-100" in name for name in self.names):
            reason = "it is CIFAR-100"
        inner = next((name for name in self.names if name.lower().endswith(INNER)), None)
        if inner is not None:
            reason = f"it holds another archive, {shown(inner, 80)}: unpack it, and name that"
        raise DataError(f"{self.path} holds no batches of CIFAR-10 ({reason})")


class _Unpacked:
    """The bytes of an archive as tarfile reads them: no further than `limit`, which a small file may claim, in pieces."""

    def __init__(self, path, stream, limit):
        self.path, self.stream, self.limit, self.tell = path, stream, limit, stream.tell

    def seek(self, position):
        self._check(position)
        return self.stream.seek(position)

    def read(self, size):
        if size > PIECE:
            raise DataError(f"{self.path} has a header of {size} bytes; this is not the official archive")
        self._check(self.tell() + size)
        return self.stream.read(size)

    def _check(self, position):
        if position > self.limit:
            raise DataError(f"{self.path} claims more than {self.limit} bytes; this is not the official archive")


def _read_tar(path, found, unpack, limit):
    try:
        with unpack(path, "rb") as stream, tarfile.open(fileobj=_Unpacked(path, stream, limit), mode="r:") as archive:
            for member in archive:
                found.names.append(member.name)
                if len(found.names) > MOST_MEMBERS:
                    raise DataError(f"{path} has more than {MOST_MEMBERS} members; this is not the official archive")
                if member.isfile() and not member.issparse():
                    found.put(member.name, member.size, lambda member=member: _content(archive, member))
            while archive.fileobj.read(PIECE):  # to the end, where a compressed file keeps its own checksum
                pass
    except (DataError, MemoryError):
        raise
    except Exception as failure:  # a damaged archive can raise nearly anything: TarError, EOFError, OverflowError, ...
        if isinstance(failure, OSError) and failure.errno is not None:  # of the disk; the unpackers' own have no number
            raise
        reason = str(failure).partition("\n")[0].rstrip(":") or type(failure).__name__
        if isinstance(failure, RecursionError):
            reason = "its headers follow each other without end"
        raise DataError(f"{path} is no tar or zip archive, or damaged or cut off ({shown(reason)}); download it "
                        "again") from None


def _content(archive, member):
    with archive.extractfile(member) as stream:
        return b"".join(iter(lambda: stream.read(PIECE), b""))
