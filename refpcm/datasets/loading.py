"""Load a prepared data set or an ImageNet index, or refuse it with the reason and the remedy."""

from pathlib import Path

from data_tools import prepared, synthetic
from data_tools.cifar10_archive import OTHER_PACKERS, PACKERS
from data_tools.errors import DataError
from data_tools.imagenet_layouts import advice, is_imagenet
from refpcm.cache import cache_folder
from refpcm.datasets.dataset import Dataset
from refpcm.datasets.imagenet import is_index, load_index
from refpcm.errors import RefpcmError


def load(folder=None):
    """The Dataset in a folder that data_tools prepared, an ImageNet index too; None: the built-in synthetic set.

    The built-in set is made on first use, in a few seconds, in the user's cache: $REFPCM_CACHE, else
    $XDG_CACHE_HOME/refpcm, else ~/.cache/refpcm. The sha256 of every file is compared with dataset.json at every
    load.

    Raises RefpcmError for a folder that is missing, foreign, incomplete or damaged.
    """
    try:
        if is_index(folder):
            return load_index(folder)
        folder = _builtin() if folder is None else _checked(Path(folder))
        description, arrays = prepared.read(folder)
    except DataError as mistake:
        raise RefpcmError(str(mistake)) from None
    except OSError as failure:
        raise RefpcmError(f"cannot read {failure.filename or folder}: {failure.strerror or failure}") from None
    except MemoryError:
        raise RefpcmError(f"not enough memory for the data set in {folder}") from None
    return Dataset(name=description["name"], classes=tuple(description["classes"]),
                   mean=tuple(description["mean"]), std=tuple(description["std"]), **arrays)


def _builtin():
    """Folder of the built-in set, made if it is not there."""
    folder = cache_folder() / f"{synthetic.NAME}-{synthetic.GENERATOR_VERSION}"
    if not (folder / prepared.DESCRIPTION).exists():
        try:
            synthetic.make(folder)
        except (DataError, OSError) as failure:
            raise DataError(f"cannot make the built-in data set ({failure}); set REFPCM_CACHE to a folder with 40 MB "
                            "of room, or name a prepared set") from None
    return folder


def _checked(folder):
    """`folder`, if it may be a prepared set. Raises DataError saying which command makes one of what is there."""
    if not folder.exists():
        raise DataError(f"{folder}: no such folder; make it with `python -m data_tools.cifar10 --out {folder}` "
                        f"or `python -m data_tools.synthetic --out {folder}`")
    if not folder.is_dir():
        if folder.is_file() and _is_archive(folder):
            raise DataError(f"{folder} is an archive; prepare it first: "
                            f"`python -m data_tools.cifar10 --from {folder} --out DIR`, then name DIR")
        raise DataError(f"{folder} is a file, not a folder with a prepared data set")
    if not (folder / prepared.DESCRIPTION).exists():
        raise DataError(_remedy(folder))
    return folder


def _is_archive(path):
    """Whether a file begins like an archive; nothing of it is unpacked."""
    with open(path, "rb") as file:
        begin = file.read(512)
    return begin[257:262] == b"ustar" or begin.startswith((b"PK", *(magic for magic, _ in PACKERS + OTHER_PACKERS)))


def _remedy(folder):
    """What to do with a folder that has no description."""
    names = {path.name for path in folder.iterdir()}
    if names & {"cifar-10-batches-bin", "cifar-10-batches-py", "data_batch_1", "data_batch_1.bin"}:
        return (f"{folder} holds CIFAR-10 in its official form; prepare it first: "
                f"`python -m data_tools.cifar10 --from {folder} --out DIR`, then name DIR")
    if archives := names & {"cifar-10-python.tar.gz", "cifar-10-binary.tar.gz"}:
        return (f"{folder} holds the CIFAR-10 archive; prepare it first: "
                f"`python -m data_tools.cifar10 --from {folder / min(archives)} --out DIR`, then name DIR")
    if names & {f"{name}.npy" for name in prepared.ARRAYS}:
        return (f"{folder} has no {prepared.DESCRIPTION}: it is not complete; remove it and prepare the set again")
    if is_imagenet(folder):
        return (f"{folder} holds images in folders; index them first: "
                f"`python -m data_tools.imagenet --from {folder} --out INDEX`, then name INDEX")
    if names & {"train", "val", "test"}:
        return f"{folder} is no prepared data set; {advice(folder, folder / min(names & {'train', 'val', 'test'}))}"
    return (f"{folder} has no {prepared.DESCRIPTION}: it is no prepared data set; "
            "make one with `python -m data_tools.cifar10 --out DIR` or `python -m data_tools.synthetic --out DIR`")
