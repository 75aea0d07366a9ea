"""What the subcommands of `python -m refpcm.inspect` share when they run: inputs, progress, output."""

from refpcm import cli
from refpcm.cli import Meter


def loaded(options):
    """Return the Protocol of the options and its Inputs. Raises RefpcmError for impossible ones."""
    from refpcm.evaluation.inputs import load_inputs
    from refpcm.evaluation.on_tiles import with_ranges
    from refpcm.evaluation.unit import check_times
    from refpcm.inspection.options import protocol_of
    cli.set_threads(options.threads)
    protocol = protocol_of(options)
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


def show(options, result, text):
    """Print the result as JSON if that was asked for, else the text that the function `text` returns."""
    cli.print_json(result) if options.json else print(text())
