"""`python -m refpcm.expect`: a network with the batch norm statistics that the device model expects on a chip."""

from refpcm import cli
from refpcm.errors import RefpcmError
from refpcm.spec.training.config import KERNELS

DESCRIPTION = """\
Take a network's batch norm statistics anew at the first read of chips that the device model makes for the purpose,
before there is a chip (I-21). Weights do not change, no chip is measured.

  python -m refpcm.expect --network network.safetensors --data DIR --out expected.safetensors
  python -m refpcm.evaluate --network expected.safetensors --data DIR --chips 25
"""
SAME_NAMES = ("network", "data", "device", "seed", "chips", "on_chip", "kernels", "calibration")  # as in the Protocol


def arguments():
    parser = cli.parser("refpcm.expect", DESCRIPTION)
    parser.add_argument("--network", type=cli.name, metavar="FILE", required=True,
                        help="network file (.safetensors or .npz)")
    parser.add_argument("--data", type=cli.name, metavar="DIR",
                        help="folder prepared by data_tools, or an ImageNet index; the built-in images if left out")
    parser.add_argument("--out", type=cli.name, metavar="FILE", required=True, help="network file to write")
    parser.add_argument("--device", metavar="NAME", default="joshi2020",
                        help="joshi2020, joshi2020-transfer, joshi2020-note2, aihwkit-pcm, hermes, hermes-1, "
                        "crosssim-joshi, or a TOML file")
    parser.add_argument("--chips", type=int, metavar="N", default=200, help="chips to take the mean over")
    parser.add_argument("--images", type=int, metavar="M",
                        help="training images that each of them sees (default: 200, with an ImageNet index 50)")
    parser.add_argument("--calibration", choices=("train", "train-augmented"), default="train-augmented",
                        help="training images as they are, or as the network's training showed them (I-20)")
    parser.add_argument("--on-chip", choices=("all", "inner"), default="all",
                        help="inner: first and last layer stay digital")
    parser.add_argument("--kernels", choices=KERNELS, default="winograd",
                        help="winograd; direct, with smaller rounding errors; numpy, the specification, slow")
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers, 32 bits")
    cli.add_threads(parser)
    return parser.parse_args()


def main():
    options = arguments()
    from dataclasses import replace

    from refpcm.evaluation.expected import changes, expected_statistics
    from refpcm.evaluation.inputs import Inputs
    from refpcm.evaluation.protocol import Protocol
    from refpcm.files.atomic import check_writable
    from refpcm.files.devices import find_device
    from refpcm.files.network_file import check_target, save_network
    from refpcm.spec.compensation.global_drift import time_of_first_read
    from refpcm.spec.pcm.device_data import device_to_dict
    from refpcm.times import time_text

    if options.images is not None and options.images < 1:
        raise RefpcmError(f"--images {options.images} must be at least 1")
    check_target(options.network, options.out, "--network", "--out")
    check_writable(options.out)
    cli.set_threads(options.threads)
    device = find_device(options.device)
    t_s = time_of_first_read(device)
    protocol = Protocol(**{name: getattr(options, name) for name in SAME_NAMES}, times_s=(t_s,), adabs_batches=1,
                        adabs_batch_size=options.images)
    inputs = Inputs(options.network, options.data, options.kernels)
    meter = cli.Progress(options.chips, "chip", unit="chips", decimals=1)
    statistics = expected_statistics(inputs, protocol, meter.update)
    meter.clear()
    note = {"of": "expected chips (I-21)", "t_s": t_s, "device": device_to_dict(device), "seed": options.seed,
            "chips": options.chips, "images": protocol.adabs_batch_size, "calibration": options.calibration,
            "on_chip": options.on_chip, "kernels": options.kernels}
    file = inputs.file
    save_network(options.out, replace(file, parameters={**file.parameters, **statistics},
                                      notes={**file.notes, "statistics": note}))
    variance, mean = changes(file.parameters, statistics)
    print(cli.table([("network", f"{options.network} ({file.network.architecture})"),
                     ("statistics", f"of {options.chips} chips, {device.name}, {time_text(t_s)} after programming, "
                                    f"{protocol.adabs_batch_size} images each"),
                     ("variance", f"{100 * variance:+.1f} %, geometric mean over channels"),
                     ("mean", f"moved by {mean:.3f} standard deviations, root mean square over channels"),
                     ("written", options.out)]))


if __name__ == "__main__":
    cli.run(main)
