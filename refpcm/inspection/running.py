"""What the subcommands of `python -m refpcm.inspect` share when they run: inputs, progress, output."""

from refpcm import cli


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
    return with_ranges(inputs, protocol), inputs


def with_meter(work, inputs, protocol):
    """Return work(inputs, protocol, progress) with progress shown chip by chip."""
    meter = Meter("chip")
    found = work(inputs, protocol, meter.update)
    meter.clear()
    return found


class Meter:
    """Progress over steps of which the number is known with the first call."""

    def __init__(self, what):
        self.what, self.progress = what, None

    def update(self, done, total):
        """Say that `done` steps of `total` are finished."""
        self.progress = self.progress or cli.Progress(total, self.what, unit=f"{self.what}s", done=done, decimals=2)
        self.progress.update(done)

    def clear(self):
        """Wipe the line off the terminal."""
        if self.progress:
            self.progress.clear()


def show(options, result, text):
    """Print the result as JSON if that was asked for, else the text that the function `text` returns."""
    cli.print_json(result) if options.json else print(text())
