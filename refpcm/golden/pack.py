"""`python -m refpcm.golden pack`: a kit as one archive that needs no refpcm."""

import zipfile
from pathlib import Path

from refpcm.files.atomic import atomic_file, check_new
from refpcm.golden.pin import find_kit

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # so that the same kit makes the same bytes


def pack(options):
    """Write the files of a kit into a new zip archive, in a folder named after its version. Return the exit status.

    Raises RefpcmError for an archive that exists or cannot be written, and as `find_kit`.
    """
    kit, path = find_kit(options.kit), Path(options.file)
    check_new(path)
    folder = f"refpcm-golden-{kit.manifest['version']}"
    files = sorted(file for file in kit.folder.iterdir() if file.is_file())
    with atomic_file(path) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(f"{folder}/{file.name}", LONG_AGO), file.read_bytes(), zipfile.ZIP_DEFLATED)
    print(f"{len(files)} files of kit {kit.manifest['version']} ({kit.digest[:12]}) written to {path}, "
          f"{path.stat().st_size / 1e6:.1f} MB; FORMAT.md in it says how to read them")
    return 0
