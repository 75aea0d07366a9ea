"""Reading a zip file whole, distrustfully: the container of npz files and of today's PyTorch checkpoints."""

import struct
import zipfile
import zlib

from refpcm.errors import RefpcmError
from refpcm.files.reading import open_input

UNPACKED_LIMIT = 1 << 30  # bytes that a compressed archive may unpack to
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_DAMAGE = (zipfile.BadZipFile, RuntimeError, EOFError, zlib.error, struct.error, ValueError, OverflowError, LookupError)


def read_archive(path):
    """{member name: bytes} of the zip file `path`, folders left out; nothing is ever extracted to the disk.

    Raises RefpcmError for what is not a zip file, truncated, damaged (CRC-32), encrypted, holds a name twice, uses a
    method other than stored or deflated, or claims to unpack to more than the file's own size if nothing is
    compressed, to more than that and 1 GiB otherwise.
    """
    with open_input(path) as (stream, size):
        try:
            with zipfile.ZipFile(stream) as archive:
                stream.seek(size - len(archive.comment) - 12)
                count = int.from_bytes(stream.read(2), "little")  # in the end record; 65535 means "see elsewhere"
                if count not in (len(archive.infolist()), 0xFFFF):
                    raise ValueError(f"{len(archive.infolist())} members found where {count} are announced")
                members = [member for member in archive.infolist() if not member.is_dir()]
                _check(path, members, size)
                contents = {member.filename: archive.read(member) for member in members}
        except _DAMAGE as error:
            raise RefpcmError(f"cannot read {path}: damaged or truncated zip file: {error}") from error
    for member in members:
        if len(contents[member.filename]) != member.file_size:
            raise RefpcmError(f"cannot read {path}: member {member.filename!r} is shorter than it claims")
    return contents


def member_names(path):
    """Names of the members of the zip file `path`, unchecked. Raises RefpcmError for what is not a zip file."""
    with open_input(path) as (stream, _):
        try:
            with zipfile.ZipFile(stream) as archive:
                return archive.namelist()
        except _DAMAGE as error:
            raise RefpcmError(f"cannot read {path}: damaged or truncated zip file: {error}") from error


def _check(path, members, size):
    names = {member.filename for member in members}
    if len(names) < len(members):
        raise RefpcmError(f"cannot read {path}: the archive holds a name twice")
    for member in members:
        if member.flag_bits & 1 or member.compress_type not in _METHODS:
            raise RefpcmError(f"cannot read {path}: member {member.filename!r} is encrypted or packed by an "
                              "unusual method; pack it anew, stored or deflated")
    packed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
    unpacked, limit = sum(member.file_size for member in members), max(UNPACKED_LIMIT, size) if packed else size
    if unpacked > limit:
        raise RefpcmError(f"cannot read {path}: it claims to unpack to {unpacked} bytes, which is more than {limit}; if it "
                          "is sound, pack it anew, stored")
