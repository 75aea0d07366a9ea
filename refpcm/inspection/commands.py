"""The subcommands `device`, `chip` and `trace` of `python -m refpcm.inspect`: no test images. Imports nothing heavy."""

from refpcm import cli
from refpcm.inspection.options import add_outputs
from refpcm.inspection.running import Meter, check_outputs, show

DEVICE = """\
Follow one weight of one layer from the trained number to its conductances at given times, with every random number.

  python -m refpcm.inspect device --network FILE --layer conv1 --row 3 --column 0 --times 25s,1year
"""
CHIP = """\
Show one chip: W_max, programming error and weight errors of every crossbar, and the factors of GDC over time.

  python -m refpcm.inspect chip --network FILE --chip 3 --times 25s,1day,1year --out chip.safetensors
  python -m refpcm.inspect chip --load chip.safetensors --times 1month

The weights alone make a chip: no images are needed.
"""
TRACE = """\
Follow a number of an evaluation back to the units behind it, their chips, network, data, code and equations.

  python -m refpcm.inspect trace runs/evaluation --time 1day --compensation gdc --reprogram

Every link is "ok", "changed" (other code, the same numbers), "differs" or "not there". Exit status 1: one differs, or the
number cannot be counted again.
"""


def device(arguments):
    """Follow one weight of one layer through the chip."""
    made = cli.parser("refpcm.inspect device", DEVICE)
    made.add_argument("--network", type=cli.name, metavar="FILE", required=True, help="network file (.safetensors or .npz)")
    made.add_argument("--layer", type=cli.name, metavar="NAME", required=True, help="a layer on the chip, such as conv1")
    made.add_argument("--row", type=int, metavar="R", default=0, help="input of the layer's matrix, from 0")
    made.add_argument("--column", type=int, metavar="K", default=0, help="output of the layer's matrix, from 0")
    made.add_argument("--times", metavar="LIST", default="25s,1day,1year", help="since programming")
    made.add_argument("--device", metavar="NAME", default="joshi2020", help="name of a device, or a TOML file")
    for name, what in (("seed", "of all random numbers"), ("chip", "number of the chip"), ("draw", "number of the read")):
        made.add_argument(f"--{name}", type=int, metavar="N", default=0, help=what)
    add_outputs(made)
    options = made.parse_args(arguments)
    from refpcm.files.devices import find_device
    from refpcm.files.network_file import load_network
    from refpcm.files.reading import sha256_of
    from refpcm.inspection.device_trace import times_between, trace_weight
    from refpcm.inspection.tables import device_blocks
    from refpcm.times import parse_times
    check_outputs(options)
    weight, times_s = (options.layer, options.row, options.column), parse_times(options.times)
    network, device = load_network(options.network), find_device(options.device)

    def steps_at(times_s):
        return trace_weight(network, device, *weight, times_s, options.seed, options.chip, options.draw)
    steps = steps_at(times_s)
    found = {"network": options.network, "device": options.device, "seed": options.seed, "chip": options.chip,
             "layer": options.layer, "row": options.row, "column": options.column, "steps": steps,
             "sha256": {"network": sha256_of(options.network)}, "versions": cli.versions()}
    show(options, found, f"One weight: {options.layer}, row {options.row}, column {options.column}",
         device_blocks(steps, lambda: steps_at(times_between(times_s))))


def chip(arguments):
    """Show one chip, programmed here or from a file."""
    made = cli.parser("refpcm.inspect chip", CHIP)
    source = made.add_mutually_exclusive_group(required=True)
    source.add_argument("--network", type=cli.name, metavar="FILE", help="network file to program a chip with")
    source.add_argument("--load", type=cli.name, metavar="FILE", help="file of a chip")
    made.add_argument("--times", metavar="LIST", default="25s,1day,1year", help="since programming")
    made.add_argument("--chip", type=int, metavar="N", help="number of the chip, with --network (default: 0)")
    made.add_argument("--seed", type=int, metavar="N", help="of all random numbers, with --network (default: 0)")
    made.add_argument("--device", metavar="NAME",
                      help="name of a device, or a TOML file, with --network (default: joshi2020)")
    made.add_argument("--on-chip", choices=("all", "inner"), help="inner: without first and last layer, with --network")
    made.add_argument("--draw", type=int, metavar="N", default=0, help="number of the read at each time")
    made.add_argument("--readout", choices=("columns", "ones", "one_hot"), default="columns", help="of GDC (I-10)")
    made.add_argument("--out", type=cli.name, metavar="FILE", help="file to save the chip in")
    add_outputs(made)
    options = made.parse_args(arguments)
    from refpcm.files.atomic import check_new
    from refpcm.files.chips import save_chip
    from refpcm.inspection.chip_maps import maps_chart
    from refpcm.inspection.chip_report import chip_report
    from refpcm.inspection.tables import chip_blocks
    from refpcm.times import parse_times
    times_s = parse_times(options.times)
    check_outputs(options)
    if options.out:
        check_new(options.out)
    one = _chip_of(options)
    found = {**chip_report(one, times_s, options.draw, options.readout), "versions": cli.versions()}
    if options.out:
        save_chip(options.out, one)
    show(options, found, f"Chip {one.chip} of device {one.device.name}",
         chip_blocks(found, maps_chart(one, times_s[-1], options.draw, options.readout)), [options.out])


def _chip_of(options):
    """Return the chip that the options name. Raises RefpcmError for options that a chip's file answers already."""
    from refpcm.errors import RefpcmError
    from refpcm.files.chips import load_chip
    from refpcm.files.devices import find_device
    from refpcm.files.network_file import load_network
    from refpcm.inspection.chip_report import programmed_chip
    if options.load:
        idle = [f"--{name.replace('_', '-')}" for name in ("chip", "seed", "device", "on_chip")
                if getattr(options, name) is not None]
        if idle:
            raise RefpcmError(f"--load: the file says which chip it is; leave out {', '.join(idle)}")
        return load_chip(options.load)
    return programmed_chip(load_network(options.network), find_device(options.device or "joshi2020"), options.seed or 0,
                           options.chip or 0, options.on_chip or "all")


def trace(arguments):
    """Follow a number back to what it was made from."""
    made = cli.parser("refpcm.inspect trace", TRACE)
    made.add_argument("results", type=cli.name, metavar="RESULTS", help="folder of an evaluation")
    for name, metavar, what in (("time", "T", "time since programming"), ("compensation", "NAME", "its compensation")):
        made.add_argument(f"--{name}", metavar=metavar, help=f"which number: {what}; needed if there are several")
    made.add_argument("--reprogram", action="store_true", help="program the chips again and compare their hashes")
    made.add_argument("--network", type=cli.name, metavar="FILE",
                      help="where the network file is now (default: as noted)")
    made.add_argument("--data", type=cli.name, metavar="DIR", help="where the data are now (default: as noted)")
    add_outputs(made, picture=False)
    options = made.parse_args(arguments)
    from refpcm.inspection.trace import trace_number
    from refpcm.inspection.trace_table import links_blocks
    from refpcm.times import parse_time
    check_outputs(options)
    t_s = None if options.time is None else parse_time(options.time)
    meter = Meter("chip")
    found = trace_number(options.results, t_s, options.compensation, options.reprogram, options.network, options.data,
                         meter.update)
    meter.clear()
    show(options, {**found, "versions": cli.versions()}, "From a number back to what it was made from", links_blocks(found))
    return 0 if found["holds"] else 1
