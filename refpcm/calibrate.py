"""`python -m refpcm.calibrate`: a network whose batch norm statistics are those of the chip that the model expects."""

from refpcm import cli
from refpcm.training.config import KERNELS

DESCRIPTION = """\
Take a network's batch norm statistics anew, on chips that the device model makes for the purpose, before any chip is
programmed (I-21). Weights do not change. The trained statistics are a little too wide for every chip, since
conductances are never below 0 and drift before the first read.

  python -m refpcm.calibrate --network network.safetensors --data DIR --out expected.safetensors
"""
SAME_NAMES = ("network", "data", "device", "seed", "chips", "on_chip", "kernels", "calibration")  # as in the Protocol


def arguments():
    parser = cli.parser("refpcm.calibrate", DESCRIPTION)
    parser.add_argument("--network", type=cli.name, metavar="FILE", required=True,
                        help="network file (.safetensors or .npz)")
    parser.add_argument("--data", type=cli.name, metavar="DIR",
                        help="folder prepared by data_tools, or an ImageNet index; the built-in images if left out")
    parser.add_argument("--out", type=cli.name, metavar="FILE", required=True, help="network file to write")
    parser.add_argument("--device", metavar="NAME", default="joshi2020",
                        help="joshi2020, aihwkit-pcm, hermes, hermes-1, crosssim-joshi, or a TOML file")
    parser.add_argument("--time", metavar="T", help="since programming, with a unit, as in 1h (default: when a chip is "
                        "first read, 25 s, or t0 of a device whose t0 is later)")
    parser.add_argument("--chips", type=int, metavar="N", default=200, help="chips to take the mean over")
    parser.add_argument("--images", type=int, metavar="M", default=200, help="training images that each of them sees")
    parser.add_argument("--calibration", choices=("train", "train-augmented"), default="train-augmented",
                        help="training images as they are, or as the network's training showed them (I-20)")
    parser.add_argument("--on-chip", choices=("all", "inner"), default="all",
                        help="inner: first and last layer stay digital")
    parser.add_argument("--kernels", choices=KERNELS, default="vector",
                        help="vector, winograd, winograd4, plain: Numba; numpy: the specification, slow")
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers, 32 bits")
    cli.add_threads(parser)
    return parser.parse_args()


def main():
    options = arguments()
    from dataclasses import replace

    from refpcm.evaluation.expected import expected_statistics
    from refpcm.compensation.global_drift import time_of_first_read
    from refpcm.evaluation.inputs import Inputs
    from refpcm.evaluation.protocol import Protocol
    from refpcm.evaluation.times import parse_time, time_text
    from refpcm.files.atomic import check_writable
    from refpcm.files.network_file import check_target, save_network
    from refpcm.pcm.device import find_device

    check_target(options.network, options.out, "--network", "--out")
    check_writable(options.out)
    cli.set_threads(options.threads)
    protocol = Protocol(**{name: getattr(options, name) for name in SAME_NAMES})
    t_s = time_of_first_read(find_device(options.device)) if options.time is None else parse_time(options.time)
    inputs = Inputs(options.network, options.data, options.kernels)
    meter = cli.Progress(options.chips, "chip", unit="chips", decimals=1)
    statistics = expected_statistics(inputs, protocol, t_s, options.images, meter.update)
    meter.clear()
    note = {"of": "chips of the device model (I-21)", "t_s": t_s, "images": options.images,
            **{name: getattr(options, name) for name in ("device", "seed", "chips", "on_chip", "kernels",
                                                         "calibration")}}
    file = inputs.file
    save_network(options.out, replace(file, parameters={**file.parameters, **statistics},
                                      notes={**file.notes, "statistics": note}))
    variance, mean = changes(file.parameters, statistics)
    print(cli.table([("network", f"{options.network} ({file.network.architecture})"),
                     ("statistics", f"of {options.chips} chips, {options.device}, {time_text(t_s)} after programming, "
                                    f"{options.images} images each"),
                     ("variance", f"{100 * variance:+.1f} %, geometric mean over channels"),
                     ("mean", f"moved by {mean:.3f} standard deviations, root mean square over channels"),
                     ("written", options.out)]))


def changes(before, after):
    """(relative change of the variances, geometric mean; root mean square of the means' change in units of the
    standard deviation), over all channels whose variance is not 0 before or after."""
    import numpy as np
    logs, shifts = [], []
    for name in after:
        if name.endswith(".running_var"):
            mean = name.removesuffix("var") + "mean"
            used = (before[name] > 0) & (after[name] > 0)
            logs.append(np.log(after[name][used].astype(float) / before[name][used]))
            shifts.append((after[mean] - before[mean])[used] / np.sqrt(before[name][used].astype(float)))
    every = [np.concatenate(parts) for parts in (logs, shifts)]
    if not every[0].size:
        return 0.0, 0.0
    return float(np.expm1(every[0].mean())), float(np.sqrt(np.square(every[1]).mean()))


if __name__ == "__main__":
    cli.run(main)
