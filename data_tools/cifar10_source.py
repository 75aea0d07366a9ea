"""Read the files of CIFAR-10 from a folder or an archive into memory. Nothing is unpacked to the disk."""

import bz2
import gzip
import hashlib
import lzma
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data_tools.cifar10_batches import LAYOUTS, Layout
from data_tools.errors import DataError

CHECKSUMS = "md5sums.txt"
NOTES_LARGEST = 1 << 16  # bytes of a file with names or checksums
UNPACKED_LARGEST = 1 << 28  # bytes of an archive; the official ones have 1.9 * 10^8
PACKERS = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open))


@dataclass(frozen=True)
class Source:
    """What was found of CIFAR-10."""
    layout: Layout
    files: dict  # {name: bytes}: the batches that are there, the class names, md5sums.txt
    archive_md5: str | None  # of the archive; None for a folder


def read_source(path):
    """Source in `path`: an archive, a folder in one of the official layouts, or its parent. Raises DataError."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    return _read_folder(path) if path.is_dir() else _read_archive(path)


def _limit(layout, name):
    return layout.largest if name in layout.batches else NOTES_LARGEST


def _wanted(layout):
    return layout.batches + (layout.names_file, CHECKSUMS)


def _read_folder(path):
    for layout in LAYOUTS:
        for folder in (path, path / layout.folder):
            if not any((folder / name).is_file() for name in layout.batches):
                continue
            files = {}
            for name in _wanted(layout):
                if (folder / name).is_file():
                    if (folder / name).stat().st_size > _limit(layout, name):
                        raise DataError(f"{folder / name} is too long to be a file of CIFAR-10")
                    files[name] = (folder / name).read_bytes()
            return Source(layout, files, None)
    archives = [str(file) for file in sorted(path.glob("cifar-10-*.tar.gz"))]
    hint = f"; name the archive itself: {archives[0]}" if archives else ""
    raise DataError(f"{path} holds neither {' nor '.join(layout.folder for layout in LAYOUTS)}{hint}")


class _Unpacked:
    """The bytes of an archive as tarfile reads them; more than UNPACKED_LARGEST, which a small file may claim, are refused."""

    def __init__(self, stream):
        self.stream, self.tell, self.seek = stream, stream.tell, stream.seek

    def read(self, size):
        if self.tell() + size > UNPACKED_LARGEST:
            raise DataError(f"it claims more than {UNPACKED_LARGEST} bytes; this is not the official archive")
        return self.stream.read(size)


def _read_archive(path):
    if not path.is_file():
        raise DataError(f"{path} is neither a folder nor a regular file")
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    with open(path, "rb") as file:
        begin = file.read(6)
    unpack = next((unpack for magic, unpack in PACKERS if begin.startswith(magic)), open)
    try:
        with unpack(path, "rb") as stream, tarfile.open(fileobj=_Unpacked(stream), mode="r:") as archive:
            layout, files = _read_members(path, archive)
            while archive.fileobj.read(1 << 20):  # to the end, where a compressed file keeps its own checksum
                pass
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, ValueError, OSError) as failure:
        if isinstance(failure, OSError) and failure.errno is not None:  # of the disk; the unpackers' own have no number
            raise
        reason = str(failure).partition("\n")[0].rstrip(":") or type(failure).__name__
        raise DataError(f"{path} is no tar archive, or damaged or cut off ({reason}); download it again") from None
    return Source(layout, files, digest.hexdigest())


def _read_members(path, archive):
    """The wanted members, read by their last name only: where else a member wants to go does not matter."""
    found = {layout: {} for layout in LAYOUTS}
    for member in archive:
        name = PurePosixPath(member.name).name
        for layout in LAYOUTS:
            if not member.isfile() or member.issparse() or name not in _wanted(layout):
                continue
            if name in found[layout]:
                raise DataError(f"{path} holds {name} twice; this is not the official archive")
            if not 0 <= member.size <= _limit(layout, name):
                raise DataError(f"{path}: {name} is too long to be a file of CIFAR-10")
            found[layout][name] = archive.extractfile(member).read()
    for layout, files in found.items():
        if any(name in files for name in layout.batches):
            return layout, files
    raise DataError(f"{path} holds no batches of CIFAR-10")
