"""Options that the subcommands of `python -m refpcm.inspect` share, and the Protocol that they make. Imports nothing heavy."""

from refpcm import cli
from refpcm.evaluation.workers import add_workers
from refpcm.spec.training.config import KERNELS

SAME_NAMES = ("network", "data", "device", "seed", "chips", "on_chip", "readout", "per_column", "images", "kernels",
              "calibration", "adabs_batches", "adabs_batch_size", "dac_bits", "adc_bits", "tile_rows",
              "output_noise", "augmentation", "range_images")  # fields of the Protocol that are options of the same name
COMPENSATIONS = ("none", "gdc", "adabs", "adabs-alone")


def parser(name, description, chips=5, times="1day", compensation="gdc"):
    """Return the parser of a subcommand with the options that name a network, its data and its chips."""
    made = cli.parser(f"refpcm.inspect {name}", description)
    made.add_argument("--network", type=cli.name, metavar="FILE", required=True, help="network file (.safetensors or .npz)")
    made.add_argument("--data", type=cli.name, metavar="DIR",
                      help="folder prepared by data_tools, or an ImageNet index; the built-in images if left out")
    made.add_argument("--images", type=int, metavar="N", help="only the first N test images")
    made.add_argument("--kernels", choices=KERNELS, default="winograd",
                      help="winograd; direct, with smaller rounding errors; numpy, the specification, slow")
    add_outputs(made)
    cli.add_threads(made)
    chip = made.add_argument_group("chips")
    chip.add_argument("--device", metavar="NAME", default="joshi2020",
                      help="joshi2020, joshi2020-transfer, joshi2020-note2, aihwkit-pcm, hermes, hermes-1, "
                      "crosssim-joshi, or a TOML file")
    chip.add_argument("--chips", type=int, metavar="N", default=chips, help="programmings")
    chip.add_argument("--times", metavar="LIST", default=times,
                      help="since programming, with units s, min, h, day, month, year")
    chip.add_argument("--compensation", choices=COMPENSATIONS, default=compensation,
                      help="adabs: with GDC beneath")
    chip.add_argument("--on-chip", choices=("all", "inner"), default="all", help="inner: first and last layer stay digital")
    chip.add_argument("--readout", choices=("columns", "ones", "one_hot"), default="columns", help="of GDC (I-10)")
    chip.add_argument("--per-column", action="store_true", help="a GDC factor for each column instead of each layer")
    chip.add_argument("--calibration", choices=("train-augmented", "train", "test"), default="train-augmented",
                      help="images that AdaBS sees: training images as the network's training showed them, or as they are")
    chip.add_argument("--augmentation", metavar="LIST",
                      help="what training showed, such as 'crop 4, flip, cutout 8' (default: what the network file says)")
    chip.add_argument("--adabs-batches", type=int, metavar="N", help="mini-batches of AdaBS (default: the paper's)")
    chip.add_argument("--adabs-batch-size", type=int, metavar="M", help="images in each (default: the paper's)")
    chip.add_argument("--seed", type=int, default=0, help="of all random numbers, 32 bits")
    return made


def add_outputs(made, picture=True):
    """Add what is written beside the table, or printed in its place."""
    made.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    made.add_argument("--html", type=cli.name, metavar="FILE", help="also write one page of HTML that opens offline")
    if picture:
        made.add_argument("--plot", type=cli.name, metavar="FILE",
                          help="also draw the page's charts as one picture, such as .png, .svg or .pdf (needs matplotlib)")


def add_tiles(made):
    """Add converters, tiles and output noise."""
    tiles = made.add_argument_group("tiles")
    tiles.add_argument("--dac-bits", type=int, metavar="B", help="bits of the input converters (default: ideal)")
    tiles.add_argument("--adc-bits", type=int, metavar="B", help="bits of the output converters (default: ideal)")
    tiles.add_argument("--range-images", type=int, metavar="N", default=10_000,
                       help="training images that set the converters' ranges")
    tiles.add_argument("--tile-rows", type=int, metavar="R", help="rows of a tile (default: no limit)")
    tiles.add_argument("--output-noise", type=float, metavar="SIGMA", default=0.0,
                       help="of every product, in units of W_max (docs/tile.md)")


def add_run(made):
    """Add the options of work that is cut into units and kept."""
    made.add_argument("--out", type=cli.name, metavar="DIR",
                      help="output folder; the same command goes on there after an interruption")
    add_workers(made)


def protocol_of(options):
    """Return the Protocol that the options ask for. Raises RefpcmError for impossible ones."""
    from refpcm.evaluation.protocol import Protocol
    from refpcm.times import parse_times
    return Protocol(**{name: getattr(options, name) for name in SAME_NAMES if hasattr(options, name)},
                    times_s=parse_times(options.times), compensations=(options.compensation,))
