"""`python -m refpcm.inspect`: why a network loses accuracy on a chip, and what is in a file."""

import sys

from refpcm import cli
from refpcm.inspection.options import add_run, add_tiles, parser, protocol_of

LOSS = """\
Attribute the loss of accuracy on chips to physical causes, to layers, or to both.

  python -m refpcm.inspect loss --network FILE --times 1day,1year --chips 10 --by cause
  python -m refpcm.inspect loss --network FILE --data DIR --by both --workers 4 --out runs/loss

Every cause (programming noise, idle devices, spread of nu, mean drift, read noise, converters, output noise) is switched
on alone and off alone, and every layer is put on the chip alone and taken off it alone, with the same random numbers.
"""


def loss(arguments):
    """Attribute the loss of accuracy to causes and layers."""
    made = parser("loss", LOSS)
    made.add_argument("--by", choices=("cause", "layer", "both"), default="cause", help="what to switch")
    add_run(made)
    add_tiles(made)
    options = made.parse_args(arguments)
    from refpcm.errors import RefpcmError
    if options.workers < 1:
        raise RefpcmError(f"--workers {options.workers} must be at least 1")
    cli.set_threads(options.threads)
    from refpcm.evaluation.inputs import load_inputs
    from refpcm.evaluation.report import refuse_foreign
    from refpcm.evaluation.workers import executor
    from refpcm.files.atomic import make_folder
    from refpcm.files.lock import locked
    from refpcm.inspection.loss import run_loss
    from refpcm.inspection.loss_report import loss_table, write_loss
    from refpcm.inspection.loss_task import check_loss, loss_fingerprint
    protocol = protocol_of(options)
    check_loss(protocol)
    inputs = load_inputs(protocol.network, protocol.data, protocol.kernels)
    mark = loss_fingerprint(inputs, protocol)
    folder = options.out or f"runs/inspect-loss-{mark[:8]}"
    make_folder(folder)
    with locked(folder):
        refuse_foreign(folder, mark)
        meter = Meter()
        with executor(options.workers) as pool:
            result = run_loss(protocol, options.by, folder, pool, meter.update, inputs)
        meter.clear()
        result["versions"] = cli.versions()
        write_loss(folder, result)
    if options.json:
        cli.print_json(result)
    else:
        print(f"{loss_table(result)}\n\nwritten: {folder}/result.json, result.csv")


class Meter:
    """Progress over units, of which the number is known with the first call."""

    def __init__(self):
        self.progress = None

    def update(self, done, total):
        """Say that `done` units of `total` are finished."""
        self.progress = self.progress or cli.Progress(total, "unit", unit="units", done=done, decimals=2)
        self.progress.update(done)

    def clear(self):
        """Wipe the line off the terminal."""
        if self.progress:
            self.progress.clear()


COMMANDS = {"loss": loss}
OVERVIEW = """\
usage: python -m refpcm.inspect COMMAND ...

  loss    where the accuracy goes: points lost by physical cause and by layer

Each takes --help."""


def main():
    arguments = sys.argv[1:]
    if arguments[:1] in ([], ["-h"], ["--help"]):
        print(OVERVIEW)
        return
    from refpcm.errors import RefpcmError
    if arguments[0] not in COMMANDS:
        raise RefpcmError(f"{arguments[0]!r} is no subcommand of refpcm.inspect; known are {', '.join(COMMANDS)}")
    COMMANDS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    cli.run(main)
