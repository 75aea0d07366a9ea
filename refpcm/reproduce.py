"""`python -m refpcm.reproduce`: the paper's figures. Parses, calls refpcm.reproduction, reports."""

from refpcm import cli
from refpcm.evaluation.workers import add_workers, check_workers, chosen_workers, executor
from refpcm.reproduction.scales import SCALES, override

FIGURES = ("fig2", "fig3", "fig4", "fig5", "ablation", "causes", "calibration")
DESCRIPTION = """\
The figures of Joshi et al. 2020: train what they need, put it on simulated chips, draw, and print our numbers next
to the paper's.

  python -m refpcm.reproduce fig3                              one figure, built-in data
  python -m refpcm.reproduce all                               all figures
  python -m refpcm.reproduce all --scale small --data ~/cifar10
  python -m refpcm.reproduce fig5 --data ~/cifar10 --fp32 fp32.safetensors --noise noise.safetensors

  fig2         accuracy over the noise in training (eta_tr) and at inference (eta_inf)
  fig3         networks trained in FP32, with noise, with 4-bit and ternary weights, after transfer to PCM
  fig4         retention over one day without compensation, with GDC, with AdaBS, for FP32- and noise-trained networks
  fig5         the same over one year
  ablation     what leaving out the pre-trained start, clipping or the learning rates costs
  causes       accuracy lost over time, by physical cause: read noise, spread of the drift exponents, ...
  calibration  AdaBS with fewer images
"""
EPILOG = """\
Trained networks and finished evaluations are kept in the output folder and shared by the figures: the same command run
again goes on where it was interrupted. docs/reproduce.md has the scales and what each panel is taken to be.
"""
ABOUT = {"smoke": "built-in data, a tiny network", "small": "CIFAR-10, a small network, three trainings",
         "full": "the paper's network and number of trainings, weeks"}


def arguments():
    parser = cli.parser("refpcm.reproduce", DESCRIPTION, EPILOG)
    parser.add_argument("figure", choices=(*FIGURES, "all"), help="which figure")
    parser.add_argument("--scale", choices=SCALES, default="smoke",
                        help="; ".join(f"{name}: {about}" for name, about in ABOUT.items()))
    parser.add_argument("--config", type=cli.name, metavar="FILE",
                        help="TOML (Python 3.11 or later) or JSON that changes numbers of the scale")
    parser.add_argument("--data", type=cli.name, metavar="DIR",
                        help="folder prepared by data_tools; the built-in images if left out")
    parser.add_argument("--fp32", type=cli.name, metavar="FILE", nargs="+",
                        help="network files to use as the FP32 networks, and to start from, instead of training them")
    parser.add_argument("--noise", type=cli.name, metavar="FILE", nargs="+",
                        help="network files to use as those trained with the scale's eta_tr")
    parser.add_argument("--out", type=cli.name, metavar="DIR", help="output folder (default: runs/reproduce-SCALE)")
    add_workers(parser)
    cli.add_threads(parser)
    return parser.parse_args()


def main():
    options = arguments()
    from pathlib import Path

    from refpcm.errors import RefpcmError
    from refpcm.files.configuration import read_config_file
    check_workers(options.workers, options.scheduler)
    scale = SCALES[options.scale]
    if options.config:
        scale = override(scale, read_config_file(options.config), options.config)
    if options.scale != "smoke" and not options.data:
        raise RefpcmError(f"--scale {options.scale} is for CIFAR-10: name it with --data DIR "
                          "(python -m data_tools.cifar10 --out DIR prepares it)")
    from refpcm.reproduction.figures import reproduce
    from refpcm.reproduction.setting import Setting
    from refpcm.reproduction.trainings import AGAIN
    from refpcm.reproduction.variants import FP32, NOISE
    cli.set_threads(options.threads)
    given = {variant: tuple(paths) for variant, paths in ((FP32, options.fp32), (NOISE, options.noise)) if paths}
    setting = Setting(Path(options.out or f"runs/reproduce-{options.scale}"), options.scale, scale, options.data, given)
    try:
        with executor(chosen_workers(options), options.scheduler) as pool:
            status = reproduce(setting, FIGURES if options.figure == "all" else (options.figure,), pool)
    except KeyboardInterrupt:
        cli.say(f"\ninterrupted; {AGAIN}")
        status = 130
    return status


if __name__ == "__main__":
    cli.run(main)
