"""What the subcommands of `python -m refpcm.inspect` share when they run: inputs, progress, output."""

import shlex
import sys
from dataclasses import asdict

from refpcm import cli
from refpcm.cli import Meter


def loaded(options):
    """Return the Protocol of the options and its Inputs. Raises RefpcmError for impossible ones."""
    from refpcm.evaluation.inputs import load_inputs
    from refpcm.evaluation.on_tiles import with_ranges
    from refpcm.evaluation.options import protocol_of
    from refpcm.evaluation.unit import check_times
    cli.set_threads(options.threads)
    protocol = protocol_of(options, (options.compensation,))
    check_times(protocol)
    inputs = load_inputs(protocol)
    meter = cli.range_meter()
    protocol = with_ranges(inputs, protocol, meter.update)
    meter.clear()
    return protocol, inputs


def with_meter(work, inputs, protocol):
    """Return work(inputs, protocol, progress) with progress shown chip by chip."""
    meter = Meter("chip")
    found = work(inputs, protocol, meter.update)
    meter.clear()
    return found


def identity(protocol, inputs):
    """Return what a result on chips was made from, ready for JSON: network, data, protocol, hashes and versions."""
    from refpcm.evaluation.provenance import provenance
    return {"architecture": inputs.file.network.architecture, "data": inputs.data.name, "protocol": asdict(protocol),
            "sha256": provenance(protocol.network, inputs.file.notes, inputs.data), "versions": cli.versions()}


def check_outputs(options, folder=None):
    """Raises RefpcmError if the files of --html and --plot cannot be written or would overwrite one another or --out.

    To be asked before the work. folder: one that the command will make.
    """
    from refpcm.files.atomic import check_distinct, check_writable
    from refpcm.inspection.page import check_page
    html, plot = options.html, getattr(options, "plot", None)
    if html:
        check_page(html)
    if plot:
        from refpcm.evaluation.plot import need_matplotlib
        need_matplotlib(plot)
    named = [path for path in (html, plot, getattr(options, "sheet", None)) if path]
    check_distinct(*named, getattr(options, "out", None))
    for path in named:
        check_writable(path, folder)


def show(options, result, title, blocks, written=()):
    """Write the files of --html and --plot, then print the result as JSON if that was asked for, else as text.

    title: of the page; blocks: the result to show (refpcm/inspection/report.py); written: names of files.
    """
    from refpcm.inspection.report import Text, as_text, charts_of
    html, plot = options.html, getattr(options, "plot", None)
    if html:
        from refpcm.inspection.page import write_page
        write_page(html, title, blocks, f"python -m refpcm.inspect {shlex.join(sys.argv[1:])}", result)
    if plot:
        from refpcm.inspection.pictures import write_picture
        write_picture(plot, charts_of(blocks))
    files = [path for path in (*written, html, plot) if path]
    ending = [Text(f"written: {', '.join(files)}")] if files else []
    cli.print_json(result) if options.json else print(as_text([*blocks, *ending]))
