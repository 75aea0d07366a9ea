"""Options of commands that evaluate networks on chips, and the Protocol that they ask for. Imports nothing heavy."""

from refpcm import cli
from refpcm.spec.training.config import KERNELS

CHIPS, TIMES = 5, "25s,1h,1day,1month,1year"  # of an evaluation that is not told otherwise


def add_network(parser):
    """Add the options that name a network, its test images and the kernels."""
    parser.add_argument("--network", type=cli.name, metavar="FILE", required=True,
                        help="network file (.safetensors or .npz)")
    parser.add_argument("--data", type=cli.name, metavar="DIR",
                        help="folder prepared by data_tools, or an ImageNet index; the built-in images if left out")
    parser.add_argument("--images", type=int, metavar="N", help="only the first N test images")
    parser.add_argument("--kernels", choices=KERNELS, default="winograd",
                        help="winograd; direct, with smaller rounding errors; numpy, the specification, slow")


def add_chips(parser, chips=CHIPS, times=TIMES):
    """Add the options of chips, times and compensation, but for its choice; return their group."""
    group = parser.add_argument_group("chips")
    group.add_argument("--device", metavar="NAME", default="joshi2020",
                       help="joshi2020, joshi2020-transfer, joshi2020-note2, aihwkit-pcm, hermes, hermes-1, "
                       "crosssim-joshi, or a TOML file (docs/device.md)")
    group.add_argument("--chips", type=int, metavar="N", default=chips,
                       help="chips to simulate: 3 at least for an interval, 10 or more for a narrow one")
    group.add_argument("--times", metavar="LIST", default=times,
                       help="since programming, with units s, min, h, day, month, year")
    group.add_argument("--on-chip", choices=("all", "inner"), default="all",
                       help="inner: first and last layer stay digital")
    group.add_argument("--readout", choices=("columns", "ones", "one_hot"), default="columns",
                       help="what GDC measures: summed column currents, or responses to ones or one-hot inputs "
                       "(docs/compensation.md)")
    group.add_argument("--per-column", action="store_true", help="a GDC factor for each column instead of each layer")
    group.add_argument("--adabs-batches", type=int, metavar="N",
                       help="mini-batches of AdaBS (default: 13, with an ImageNet index 26)")
    group.add_argument("--adabs-batch-size", type=int, metavar="M",
                       help="images in each (default: 200, with an ImageNet index 50)")
    group.add_argument("--calibration", choices=("train-augmented", "train", "test"), default="train-augmented",
                       help="images that AdaBS sees: training images as the network's training showed them, or as they are; "
                       "test only where a set has no training images")
    group.add_argument("--augmentation", metavar="LIST",
                       help="what training showed, such as 'crop 4, flip, cutout 8' or 'resized-crop, flip' (default: what the "
                       "network file says; of a network from elsewhere 'crop 4, flip', with an ImageNet index 'resized-crop, "
                       "flip')")
    group.add_argument("--seed", type=int, default=0, help="of all random numbers, 32 bits")
    return group


def add_tiles(parser):
    """Add converters, tiles and output noise; return their group."""
    group = parser.add_argument_group("tiles")
    group.add_argument("--dac-bits", type=int, metavar="B", help="bits of the input converters (default: ideal)")
    group.add_argument("--adc-bits", type=int, metavar="B", help="bits of the output converters (default: ideal)")
    group.add_argument("--range-images", type=int, metavar="N", default=10_000,
                       help="training images, with --calibration test test images, that set the converters' ranges, the "
                       "99.995th percentiles")
    group.add_argument("--range-network", type=cli.name, metavar="FILE",
                       help="network whose activations set the ranges, as the paper's baseline does (default: the one "
                       "evaluated; I-29)")
    group.add_argument("--tile-rows", type=int, metavar="R",
                       help="rows of a tile; longer matrices are split (default: no limit); counts only with "
                       "converters, output noise or read noise in every product")
    group.add_argument("--output-noise", type=float, metavar="SIGMA", default=0.0,
                       help="of every product, in units of W_max times the DAC's range (docs/tile.md)")
    return group


def protocol_of(options, compensations):
    """Return the Protocol whose fields are the options of their names. Raises RefpcmError for impossible and idle ones."""
    from dataclasses import fields

    from refpcm.evaluation.protocol import Protocol, check_used
    from refpcm.times import parse_times
    same = {field.name: getattr(options, field.name) for field in fields(Protocol) if hasattr(options, field.name)}
    protocol = Protocol(**same, times_s=parse_times(options.times), compensations=tuple(compensations))
    check_used(protocol)
    return protocol
