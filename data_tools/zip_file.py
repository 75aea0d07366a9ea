"""Reading a zip file whole, distrustfully: the container of npz files, of today's PyTorch checkpoints and of repacked sets."""

import struct
import zipfile
import zlib

from data_tools.errors import DataError
from data_tools.foreign_text import shown
from data_tools.reading import open_input, unpacked_limit

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_DAMAGE = (zipfile.BadZipFile, RuntimeError, EOFError, zlib.error, struct.error, ValueError, OverflowError, LookupError)


def read_zip(path, wanted=lambda name: True):
    """{member name: bytes} of the members of the zip file `path` whose names are `wanted`, folders left out.

    Nothing is ever extracted to the disk. Raises DataError for what is not a zip file, truncated, damaged (CRC-32),
    encrypted, holds a name twice, uses a method other than stored or deflated, or claims to unpack to more than the
    file's own size if nothing is compressed, to more than `unpacked_limit` otherwise. No member is unpacked further
    than it claims.
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
                return {member.filename: _content(path, archive, member) for member in members
                        if wanted(member.filename)}
        except _DAMAGE as error:
            raise DataError(f"cannot read {path}: damaged or truncated zip file: {shown(str(error))}") from error


def member_names(path):
    """Names of the members of the zip file `path`, unchecked. Raises DataError for what is not a zip file."""
    with open_input(path) as (stream, _):
        try:
            with zipfile.ZipFile(stream) as archive:
                return archive.namelist()
        except _DAMAGE as error:
            raise DataError(f"cannot read {path}: damaged or truncated zip file: {shown(str(error))}") from error


def _content(path, archive, member):
    with archive.open(member) as stream:
        content = stream.read(member.file_size)  # `archive.read` would unpack all of it, whatever it claims
        if len(content) != member.file_size:
            raise DataError(f"cannot read {path}: member {shown(member.filename)} is shorter than it claims")
        stream.read(1)  # lets zipfile compare the CRC-32 of an empty member, too
    return content


def _check(path, members, size):
    names = {member.filename for member in members}
    if len(names) < len(members):
        raise DataError(f"cannot read {path}: the archive holds a name twice")
    for member in members:
        if member.flag_bits & 1 or member.compress_type not in _METHODS:
            raise DataError(f"cannot read {path}: member {shown(member.filename)} is encrypted or packed by an "
                            "unusual method; pack it anew, stored or deflated")
    packed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
    unpacked, limit = sum(member.file_size for member in members), unpacked_limit(size) if packed else size
    if unpacked > limit:
        raise DataError(f"cannot read {path}: it claims to unpack to {unpacked} bytes, which is more than {limit}; if it "
                        "is sound, pack it anew, stored")
