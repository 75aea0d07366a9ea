"""Read meta.mat of ImageNet's development kit in a process of its own: a damaged Matlab file can crash the reader in scipy."""

import io
import json
import os
import subprocess
import sys

from data_tools.errors import DataError
from data_tools.foreign_text import shown
from data_tools.reading import read_bytes

LIMIT = 1 << 24  # bytes of the file; the official one has 10^6
MEMORY, TIME_S = 1 << 31, 20  # bytes and seconds of the process
_PROGRAM = "from data_tools.matlab_file import _in_child; _in_child()"


def read_class_numbers(path):
    """{class number: WordNet id} of `synsets` in the file meta.mat. Raises DataError if it cannot be read."""
    content = read_bytes(path, LIMIT)
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run([sys.executable, "-c", _PROGRAM], input=content, env=environment, timeout=3 * TIME_S,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        answer = f"reading it took more than {3 * TIME_S} s"
    except ValueError:
        answer = "the reader of Matlab files crashed on it"
    if isinstance(answer, str):
        raise DataError(f"cannot read {path}: damaged, or not the meta.mat of the development kit ({shown(answer)}); unpack "
                        "the kit again, or name a list of image names and WordNet ids instead")
    return dict(answer)


def _in_child():
    """Read a Matlab file from stdin; print the pairs of number and id, or the reason why not, as JSON."""
    try:
        import resource
    except ImportError:  # Windows has the time limit only
        pass
    else:
        for kind, limit in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, TIME_S), (resource.RLIMIT_CORE, 0)):
            _, hard = resource.getrlimit(kind)
            resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    from scipy.io import loadmat
    try:
        synsets = loadmat(io.BytesIO(sys.stdin.buffer.read()), squeeze_me=True)["synsets"]
        answer = [(int(number), str(name)[:20]) for number, name in zip(synsets["ILSVRC2012_ID"], synsets["WNID"])]
    except Exception as failure:  # a damaged file can raise nearly anything
        answer = f"{type(failure).__name__}: {failure}"[:200]
    print(json.dumps(answer))
