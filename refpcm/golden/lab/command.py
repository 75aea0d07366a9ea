"""`python -m refpcm.golden lab`, after the arguments are parsed: options -> exit status."""

import json
from dataclasses import replace
from zipfile import is_zipfile

import numpy as np

from data_tools.foreign_text import shown
from refpcm.cli import Progress
from refpcm.errors import RefpcmError
from refpcm.evaluation.plot import need_matplotlib
from refpcm.files.atomic import atomic_file, check_distinct, check_new, check_writable
from refpcm.files.devices import find_device
from refpcm.files.reading import open_input
from refpcm.golden.lab import plot, report
from refpcm.golden.lab.array_file import read_arrays
from refpcm.golden.lab.comparison import compare
from refpcm.golden.lab.law import sampled_us
from refpcm.golden.lab.measurements import measured
from refpcm.golden.lab.table_file import read_table, write_table
from refpcm.golden.lab.verdicts import AGREES, DIFFERS

EXAMPLE_TARGETS, EXAMPLE_DEVICES, EXAMPLE_READS = (0.0, 0.1, 0.3, 0.6, 1.0), 100, 2
EXAMPLE_LATER_S = (10.0, 280.0, 3580.0, 86380.0)  # after t0: 30 s to a day where t0 is 20 s
EXAMPLE_SEED = 1


def lab(options):
    """Compare measurements with the law of a device; print the table, write report and picture.

    Returns 0 if all that can be judged agrees, 1 if something differs or nothing can be judged.
    Raises RefpcmError for measurements that are refused, for files that cannot be written or would overwrite one another, and
    for an example under a name that is taken.
    """
    law = find_device(options.device)
    if (options.measurements is None) == (options.example is None):
        raise RefpcmError("give one file of measurements, or --example FILE to write an example of one")
    if options.example:
        return _write_example(options.example, law)
    check_distinct(options.measurements, options.report, options.plot)
    for path in (options.report, options.plot):
        if path:
            check_writable(path)
    if options.plot:
        need_matplotlib(options.plot)
    m = read_measurements(options.measurements)
    meter = Progress(None, "bin", unit="bins", decimals=1)

    def tell(done, bins):
        meter.total = bins
        meter.update(done)
    rows = compare(m, law, options.alpha, options.bins, tell)
    meter.clear()
    about = (m, rows, law, options.alpha, shown(options.measurements))
    print(report.table(rows))
    print()
    print(report.summary(*about))
    if options.report:
        with atomic_file(options.report) as stream:
            stream.write((json.dumps(report.as_json(*about), indent=1) + "\n").encode())
    if options.plot:
        plot.draw(options.plot, rows, law, report.summary(*about))
    verdicts = {row.verdict for row in rows}
    return 0 if AGREES in verdicts and DIFFERS not in verdicts else 1


def read_measurements(path):
    """Return the Measurements in a CSV or npz file, which its content tells apart. Raises RefpcmError."""
    with open_input(path) as (stream, _):
        archive = is_zipfile(stream)
    return read_arrays(path) if archive else read_table(path)


def example(law):
    """Return Measurements of the example: targets, times and reads as above, drawn from a law."""
    shape = (len(EXAMPLE_TARGETS) * EXAMPLE_DEVICES, len(EXAMPLE_LATER_S), EXAMPLE_READS)
    device, time, read = (index.ravel() for index in np.indices(shape))
    columns = {"device": device, "target_us": law.g_max_us * np.repeat(EXAMPLE_TARGETS, EXAMPLE_DEVICES)[device],
               "time_s": (law.t0_s + np.array(EXAMPLE_LATER_S))[time],
               "g_us": np.zeros(device.size), "read": read}
    m = measured({name: np.asarray(values, np.float64) for name, values in columns.items()}, str)
    return replace(m, g_us=sampled_us(m, law, seed=EXAMPLE_SEED))


def _write_example(path, law):
    check_new(path)
    m = example(law)
    with atomic_file(path) as stream:
        write_table(m, stream)
    print(f"{m.devices} devices, {len(m)} readings of the law of {law.name} written to {shown(path)}")
    return 0
