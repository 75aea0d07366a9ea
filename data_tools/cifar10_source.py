"""Find the files of CIFAR-10 in what the user names: a folder or an archive."""

from dataclasses import dataclass
from pathlib import Path

from data_tools.cifar10_archive import read_archive
from data_tools.cifar10_batches import LAYOUTS, Layout
from data_tools.errors import DataError
from data_tools.reading import read_bytes


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
    return _read_folder(path) if path.is_dir() else Source(*read_archive(path))


def _read_folder(path):
    for layout in LAYOUTS:
        for folder in (path, path / layout.folder):
            if any((folder / name).is_file() for name in layout.batches):
                return Source(layout, {name: read_bytes(folder / name, layout.limit(name)) for name in layout.files
                                       if (folder / name).is_file()}, None)
    archives = [str(file) for file in sorted(path.glob("cifar-10-*.tar.gz"))]
    hint = f"; name the archive itself: {archives[0]}" if archives else ""
    raise DataError(f"{path} holds neither {' nor '.join(layout.folder for layout in LAYOUTS)}{hint}")
