"""Options that the subcommands of `python -m refpcm.inspect` share. Imports nothing heavy."""

from refpcm import cli
from refpcm.evaluation.compensations import COMPENSATIONS
from refpcm.evaluation.options import add_chips, add_network
from refpcm.evaluation.workers import add_workers


def parser(name, description, chips=5, times="1day", compensation="gdc"):
    """Return the parser of a subcommand with the options that name a network, its data and its chips."""
    made = cli.parser(f"refpcm.inspect {name}", description)
    add_network(made)
    add_outputs(made)
    cli.add_threads(made)
    add_chips(made, chips, times).add_argument("--compensation", choices=COMPENSATIONS, default=compensation,
                                               help="adabs: with GDC beneath")
    return made


def add_outputs(made, picture=True):
    """Add what is written beside the table, or printed in its place."""
    made.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    made.add_argument("--html", type=cli.name, metavar="FILE", help="also write one page of HTML that opens offline")
    if picture:
        made.add_argument("--plot", type=cli.name, metavar="FILE",
                          help="also draw the page's charts as one picture, such as .png, .svg or .pdf (needs matplotlib)")


def add_run(made):
    """Add the options of work that is cut into units and kept."""
    made.add_argument("--out", type=cli.name, metavar="DIR",
                      help="output folder; the same command goes on there after an interruption")
    add_workers(made)
