"""`python -m refpcm.inspect`: why a network loses accuracy on a chip, and what is in a file."""

import os
import sys

from refpcm import cli
from refpcm.evaluation.compensations import WITH_ADABS
from refpcm.evaluation.options import add_tiles
from refpcm.evaluation.workers import check_workers, chosen_workers, executor
from refpcm.inspection.commands import chip, device, trace
from refpcm.inspection.options import add_outputs, add_run, parser
from refpcm.inspection.running import Meter, check_outputs, identity, loaded, show, with_meter

LOSS = """\
Attribute the loss of accuracy on chips to physical causes, to layers, or to both.

  python -m refpcm.inspect loss --network FILE --times 1day,1year --chips 10 --by cause
  python -m refpcm.inspect loss --network FILE --data DIR --by both --workers 4 --out runs/loss

Every cause (programming noise, idle devices, spread of nu, mean drift, read noise, converters, output noise) is switched
on alone and off alone, and every layer is put on the chip alone and taken off it alone, with the same random numbers.
"""
FILE = """\
Show what is in a file or folder: a network, a chip, a checkpoint, results, a training run, data, a device (.toml).

The name of a built-in device, such as joshi2020, shows that one.
"""
LAYERS = "MVM error and signal-to-noise ratio of every layer over several chips, after GDC or without compensation."
ADABS = "What AdaBS, adaptive batch norm statistics, changed in every batch norm, and in which channel most."
IMAGES = "Which test images chips lose or win against the digital network, and what they are taken for."


def loss(arguments):
    """Attribute the loss of accuracy to causes and layers."""
    made = parser("loss", LOSS)
    made.add_argument("--by", choices=("cause", "layer", "both"), default="cause", help="what to switch")
    add_run(made)
    add_tiles(made)
    options = made.parse_args(arguments)
    check_workers(options.workers, options.scheduler)
    check_outputs(options, options.out)
    protocol, inputs = loaded(options)
    from refpcm.evaluation.report import refuse_foreign
    from refpcm.files.atomic import make_folder
    from refpcm.files.lock import locked
    from refpcm.inspection.loss import run_loss
    from refpcm.inspection.loss_report import loss_blocks, write_loss
    from refpcm.inspection.loss_task import loss_fingerprint
    mark = loss_fingerprint(inputs, protocol)
    folder = options.out or f"runs/inspect-loss-{mark[:8]}"
    make_folder(folder)
    with locked(folder):
        refuse_foreign(folder, mark)
        meter = Meter("unit")
        with executor(chosen_workers(options, protocol.chips * len(protocol.times_s)), options.scheduler) as pool:
            result = run_loss(protocol, options.by, folder, pool, meter.update, inputs)
        meter.clear()
        result["versions"] = cli.versions()
        write_loss(folder, result)
    show(options, result, "Where the accuracy goes", loss_blocks(result), [f"{folder}/result.json", "result.csv"])


def file(arguments):
    """Show what is in a file or folder."""
    made = cli.parser("refpcm.inspect", FILE)
    made.add_argument("file", type=cli.name, metavar="FILE", help="file, folder or name of a device")
    add_outputs(made)
    options = made.parse_args(arguments)
    from refpcm.errors import RefpcmError
    from refpcm.inspection.contents import describe
    from refpcm.inspection.folders import DAMAGE, damaged
    from refpcm.inspection.report import charts_of
    from refpcm.inspection.tables import contents_blocks
    check_outputs(options)
    found = describe(options.file)
    try:
        blocks = contents_blocks(found)
        if options.plot and not charts_of(blocks):
            raise RefpcmError(f"--plot {options.plot}: of this file or folder ({found['kind']}) there is no picture; "
                              "leave --plot out")
        show(options, {**found, "versions": cli.versions()}, f"What is in {options.file}", blocks)
    except DAMAGE as error:
        if "result" not in found:
            raise
        raise RefpcmError(damaged(os.path.join(options.file, "result.json"))) from error


def layers(arguments):
    """Show the MVM error of every layer over chips."""
    options = parser("layers", LAYERS).parse_args(arguments)
    from refpcm.errors import RefpcmError
    from refpcm.inspection.layers import errors_over_chips
    from refpcm.inspection.tables import errors_blocks
    if options.compensation not in ("none", "gdc"):
        raise RefpcmError("inspect layers: --compensation must be none or gdc; AdaBS changes no weights")
    check_outputs(options)
    protocol, inputs = loaded(options)
    found = with_meter(errors_over_chips, inputs, protocol)
    show(options, {"compensation": options.compensation, "times": found, **identity(protocol, inputs)},
         "How far off every layer's output is", errors_blocks(found, protocol.chips))


def adabs(arguments):
    """Show what AdaBS changed in every batch norm."""
    made = parser("adabs", ADABS, compensation="adabs")
    add_tiles(made)
    options = made.parse_args(arguments)
    from refpcm.errors import RefpcmError
    from refpcm.evaluation.calibration import calibration_text
    from refpcm.evaluation.unit import check_adabs
    from refpcm.inspection.norms import changes_of_norms
    from refpcm.inspection.tables import norms_blocks
    if options.compensation not in WITH_ADABS:
        raise RefpcmError("inspect adabs: --compensation must be adabs or adabs-alone")
    check_outputs(options)
    protocol, inputs = loaded(options)
    check_adabs(inputs, protocol)
    calibration = calibration_text(inputs, protocol)
    found = with_meter(changes_of_norms, inputs, protocol)
    show(options, {"compensation": options.compensation, "calibration": calibration, "times": found,
                   **identity(protocol, inputs)},
         "What AdaBS changed", norms_blocks(found, protocol.chips, calibration))


def images(arguments):
    """Show which test images chips lose or win."""
    made = parser("images", IMAGES)
    add_tiles(made)
    made.add_argument("--sheet", type=cli.name, metavar="FILE",
                      help="PNG file with the images lost on most chips at the last time")
    options = made.parse_args(arguments)
    from refpcm.evaluation.unit import check_adabs
    from refpcm.files.atomic import write_bytes
    from refpcm.inspection.contact_sheet import check_sheet, sheet_of
    from refpcm.inspection.images import image_changes
    from refpcm.inspection.images_table import images_blocks
    if options.sheet:
        check_sheet(options.sheet)
    check_outputs(options)
    protocol, inputs = loaded(options)
    check_adabs(inputs, protocol)
    found = with_meter(image_changes, inputs, protocol)

    def sheet():
        return sheet_of(inputs.data.test_images, found[-1]["lost_images"], protocol.chips)
    if options.sheet:
        write_bytes(options.sheet, sheet())
    classes = inputs.data.classes
    show(options, {"compensation": options.compensation, "classes": list(classes), "times": found,
                   **identity(protocol, inputs)},
         "Images lost and won on chips", images_blocks(found, classes, sheet), [options.sheet])


COMMANDS = {"loss": loss, "layers": layers, "device": device, "adabs": adabs, "images": images,
            "chip": chip, "trace": trace}
OVERVIEW = """\
usage: python -m refpcm.inspect COMMAND ...
       python -m refpcm.inspect FILE

  loss     where the accuracy goes: points lost by physical cause and by layer
  layers   MVM error and signal-to-noise ratio of every layer, over chips
  device   one weight from the trained number to its conductances over time
  adabs    what AdaBS changed in every batch norm
  images   which test images are lost and won, and what they are taken for
  chip     one chip: programming errors, weight errors and the factors of GDC over time
  trace    from a number of an evaluation back to units, chips, network, data, code and equations
  FILE     what is in a network, chip, checkpoint, results folder, training run, data folder or device file

Each command takes --help, --json, --html FILE for a page and, but for trace, --plot FILE for a picture."""


def main():
    arguments = sys.argv[1:]
    if arguments[:1] in ([], ["-h"], ["--help"]):
        print(OVERVIEW)
        return 0
    if arguments[0] in COMMANDS:
        return COMMANDS[arguments[0]](arguments[1:])
    if not os.path.lexists(arguments[0]) and not arguments[0].startswith("-"):
        from refpcm.errors import RefpcmError
        from refpcm.spec.pcm.device import DEVICES
        if arguments[0] not in DEVICES:
            raise RefpcmError(f"{arguments[0]!r} is neither a command ({', '.join(COMMANDS)}) nor a file nor a device "
                              f"({', '.join(DEVICES)})")
    return file(arguments)


if __name__ == "__main__":
    cli.run(main)
