"""`python -m refpcm.evaluate`: accuracy of a network file, digital or on simulated PCM chips."""

from refpcm import cli
from refpcm.errors import RefpcmError
from refpcm.evaluation.options import add_chips, add_network, add_tiles, protocol_of
from refpcm.evaluation.workers import add_workers, check_workers, chosen_workers, executor

DESCRIPTION = """\
Accuracy of a network file (made by refpcm.train or refpcm.convert) on the test images of a data set.

  python -m refpcm.evaluate --network FILE --data DIR --digital --json
  python -m refpcm.evaluate --network FILE --data DIR --chips 25 --plot accuracy.png
  python -m refpcm.evaluate --network FILE --device hermes --times 1h,1day,1year --compensation gdc,adabs
"""
EPILOG = """\
An evaluation is cut into units (one read of one chip at one time). Finished units are kept in the output folder:
the same command run again goes on where it was interrupted, and with more chips, times or reads only runs what is new.
The images that AdaBS and converters' ranges see are training images, never test images, unless --calibration test says so.
I-1, I-2, ... are interpretations of the paper: docs/interpretations.md.
"""


DIGITAL = {"network", "data", "images", "kernels", "digital", "json", "threads"}  # options that --digital has a use for


def arguments():
    """Return the parsed options. Raises RefpcmError for options that --digital would ignore."""
    parser = cli.parser("refpcm.evaluate", DESCRIPTION, EPILOG)
    add_network(parser)
    parser.add_argument("--digital", action="store_true", help="exact weights, float32 arithmetic: no chip")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--plot", type=cli.name, metavar="FILE",
                        help="draw accuracy over time and the distributions (needs matplotlib)")
    parser.add_argument("--out", type=cli.name, metavar="DIR",
                        help="output folder (default: runs/evaluate-FINGERPRINT)")
    add_workers(parser)
    cli.add_threads(parser)
    chips = add_chips(parser)
    chips.add_argument("--reads", type=int, metavar="N", default=1, help="reads of each chip at each time")
    chips.add_argument("--read-noise", choices=("frozen", "per_batch", "per_product"), default="frozen",
                       help="one read for the whole test set, a fresh one for each 256 images, or fresh noise in every "
                       "product of a vector with a layer (I-9)")
    chips.add_argument("--compensation", metavar="LIST", default="none,gdc,adabs",
                       help="of none, gdc, adabs (with GDC beneath), adabs-alone")
    chips.add_argument("--gdc-reference", choices=("first-read", "targets"), default="first-read",
                       help="what GDC compares with: the first read, or what the target conductances are on average (I-24)")
    add_tiles(parser).add_argument("--tile-columns", type=int, metavar="K",
                                   help="columns of a tile (default: no limit); changes no result")
    options = parser.parse_args()
    idle = [f"--{name.replace('_', '-')}" for name, value in vars(options).items()
            if options.digital and name not in DIGITAL and value != parser.get_default(name)]
    if idle:
        raise RefpcmError(f"--digital has no chips and writes no files: leave out {', '.join(idle)}, or --digital")
    return options


def main():
    options = arguments()
    check_workers(options.workers, options.scheduler)
    if options.plot:
        from refpcm.evaluation.plot import need_matplotlib
        need_matplotlib(options.plot)
        from refpcm.files.atomic import check_distinct, check_writable
        check_distinct(options.out, options.plot)
        check_writable(options.plot, options.out)
    cli.set_threads(options.threads)
    digital(options) if options.digital else on_chips(options)


def digital(options):
    """Print the accuracy of the exact weights."""
    import time

    from refpcm.evaluation.inputs import Inputs
    inputs = Inputs(options.network, options.data, options.kernels)
    total = inputs.image_count(options.images)
    began = time.perf_counter()
    correct = inputs.count_correct(inputs.file.parameters, options.images)
    rate = total / (time.perf_counter() - began)
    result = {"accuracy": correct / total, "correct": correct, "total": total, "network": options.network,
              "architecture": inputs.file.network.architecture, "data": inputs.data.name, "kernels": options.kernels,
              "images_per_second": rate, "versions": cli.versions()}
    if options.json:
        cli.print_json(result)
    else:
        print(cli.table([("network", f"{options.network} ({result['architecture']})"), ("data", inputs.data.name),
                         ("accuracy", f"{100 * correct / total:.2f} %  ({correct} of {total} test images)"),
                         ("speed", f"{rate:.0f} images/s, compilation included")]))


def on_chips(options):
    """Evaluate on chips, in a folder that no other command writes to meanwhile; write and print the result."""
    from refpcm.evaluation.inputs import load_inputs
    from refpcm.evaluation.report import refuse_foreign
    from refpcm.evaluation.unit import check_adabs, check_times, fingerprint
    from refpcm.files.atomic import make_folder
    from refpcm.files.lock import locked

    protocol = protocol_of(options, (name.strip() for name in options.compensation.split(",")))
    check_times(protocol)
    inputs = load_inputs(protocol)
    mark = fingerprint(inputs, protocol)
    folder = options.out or f"runs/evaluate-{mark[:8]}"
    check_adabs(inputs, protocol)
    make_folder(folder)
    with locked(folder):
        refuse_foreign(folder, mark)
        _evaluate(inputs, protocol, folder, options)


def _evaluate(inputs, protocol, folder, options):
    from refpcm.evaluation.expected import made_for_another_device
    from refpcm.evaluation.report import advice, table, write_report
    from refpcm.evaluation.run import run
    from refpcm.files.devices import find_device

    if protocol.device.endswith(".toml"):
        from refpcm.inspection.device_numbers import describe_device, device_line
        cli.say(device_line(describe_device(protocol.device)))
    warning = made_for_another_device(inputs.file.notes, find_device(protocol.device))
    if warning:
        cli.say(warning)
    chips, times, reads = protocol.chips, len(protocol.times_s), protocol.reads
    parts = [cli.counted(chips, "chip"), cli.counted(times, "time"), cli.counted(reads, "read")]
    cli.say(f"{cli.counted(chips * times * reads, 'unit')}: {', '.join(parts)}; kept in {folder}")
    if protocol.needs_ranges():
        images = "test" if protocol.calibration == "test" else "training"
        cli.say(f"first the ranges of the converters, from up to {protocol.range_images:,} {images} images ...")
    meter, range_meter = cli.Meter("unit"), cli.range_meter()
    with executor(chosen_workers(options, chips * times * reads), options.scheduler) as pool:
        result = run(protocol, folder, pool, meter.update, inputs, range_meter.update)
    meter.clear()
    result["versions"] = cli.versions()
    write_report(folder, result)
    if options.plot:
        from refpcm.evaluation.plot import draw
        draw(options.plot, inputs, protocol, result)
    if options.json:
        cli.print_json(result)
    else:
        print(table(result))
        if advice(result):
            print("\n" + advice(result))
        print(f"\nwritten: {folder}/result.json, result.csv" + (f", {options.plot}" if options.plot else ""))


if __name__ == "__main__":
    cli.run(main)
