"""Speed of training and inference against PyTorch on the same cores: `python -m tests.benchmarks.training_speed`.

All contenders run in one process and take turns, so that whatever else the machine does meets them alike; the tables
show medians, and ratios of medians. PyTorch is optional. Cold starts run in processes of their own.
"""

import argparse
import json
import os
import statistics
import sys
import time

EPOCH_IMAGES = 50_000


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--network", default="joshi2020-resnet32")
    parser.add_argument("--batch", type=int, default=128, help="images of a training step (default 128)")
    parser.add_argument("--inference", type=int, nargs="*", default=[128, 256], help="batch sizes (default 128 256)")
    parser.add_argument("--runs", type=int, default=15, help="runs of each contender (default 15)")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--kernels", default="winograd", choices=("winograd", "direct"))
    parser.add_argument("--compile", action="store_true", help="also torch.compile (takes a minute)")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall",
                        help="cpu: processor time of this thread, for busy machines; needs --threads 1")
    parser.add_argument("--skip", nargs="*", default=[], choices=("steps", "profile", "layers", "epoch", "cold"))
    parser.add_argument("--json", help="also write the numbers to this file")
    options = parser.parse_args()
    if options.clock == "cpu" and options.threads != 1:
        parser.error("--clock cpu sees one thread only; add --threads 1")
    return options


def sgemm_peak(threads, clock, runs):
    """Print and return the GFLOP/s of the faster sgemm at hand on 2048 x 2048."""
    import numpy as np

    from tests.benchmarks.timing import medians
    a = np.ones((2048, 2048), np.float32)
    contenders = {"NumPy": lambda: a @ a}
    try:
        import torch
        tensor = torch.from_numpy(a)
        contenders["PyTorch"] = lambda: tensor @ tensor
    except ImportError:
        pass
    rates = {name: 2 * 2048 ** 3 / seconds / 1e9 for name, seconds in medians(contenders, runs, clock).items()}
    best = max(rates, key=rates.get)
    print(f"sgemm 2048: {rates[best]:.0f} GFLOP/s ({best}, {threads} threads)")
    return rates[best]


def layer_table(options, clock, peak):
    """Print and return forward, gradient of the input and of the weights of each distinct convolution, in GFLOP/s."""
    from tests.benchmarks.layers import convolutions
    from tests.benchmarks.timing import medians
    print(f"\nconvolutions, batch {options.batch}: GFLOP/s (per cent of sgemm)")
    print("  " + "channels, size, kernel/stride".ljust(32) + "".join(
        title.rjust(20) for title in ("forward", "gradient of input", "of weights")))
    rates_of = {}
    for label, flops, calls in convolutions(options.network, options.batch, options.kernels):
        rates = {name: flops / seconds / 1e9 for name, seconds in medians(calls, options.runs, clock).items()}
        cells = "".join((f"{rates[name]:.0f} ({100 * rates[name] / peak:.0f} %)" if name in rates else "-").rjust(20)
                        for name in ("forward", "input", "weights"))
        print("  " + label.ljust(32) + cells)
        rates_of[label] = rates
    return rates_of


def profile_table(contenders, clock, runs):
    """Print and return the median seconds of each kernel in a training step."""
    from tests.benchmarks.step_profile import profile
    step = contenders.training_steps()["refpcm"]
    step()
    profiles = [profile(step, clock) for _ in range(runs)]
    seconds_of = {name: statistics.median(p.get(name, 0) for p in profiles) for name in profiles[0]}
    total = sum(seconds_of.values())
    print("\nrefpcm's training step by kernel")
    for name, seconds in seconds_of.items():
        if seconds > total / 200:
            print(f"  {name:40s}{seconds * 1e3:8.1f} ms{100 * seconds / total:6.0f} %")
    return seconds_of


def main():
    options = arguments()
    os.environ.setdefault("NUMBA_NUM_THREADS", str(max(options.threads, os.cpu_count())))
    os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)  # read when NumPy is imported
    import numba
    import numpy as np

    from tests.benchmarks.cold_start import cold_starts
    from tests.benchmarks.contenders import Contenders
    from tests.benchmarks.limit import limit
    from tests.benchmarks.timing import medians, show
    numba.set_num_threads(options.threads)
    clock = time.perf_counter if options.clock == "wall" else time.thread_time
    print(f"{options.network}, {options.kernels} kernels, {options.threads} threads, {options.clock} time, "
          f"medians of {options.runs}; "
          f"Python {sys.version.split()[0]}, NumPy {np.__version__}, Numba {numba.__version__}")
    contenders, results = Contenders(options), {"options": vars(options)}
    results["sgemm"] = peak = sgemm_peak(options.threads, clock, options.runs)
    if "steps" not in options.skip:
        results["step"] = medians(contenders.training_steps(), options.runs, clock)
        show(f"training step, batch {options.batch}", results["step"], options.batch)
        results["limit"] = limit(options, clock, peak)
        print(f"  refpcm's step runs at {100 * results['limit'] / results['step']['refpcm']:.0f} % of it")
        for n in options.inference:
            results[f"inference {n}"] = medians(contenders.inferences(n), options.runs, clock)
            show(f"inference, batch {n}", results[f"inference {n}"], n)
    if "profile" not in options.skip:
        results["profile"] = profile_table(contenders, clock, options.runs)
    if "layers" not in options.skip:
        results["layers"] = layer_table(options, clock, peak)
    if "epoch" not in options.skip and contenders.network.input_shape == (3, 32, 32):
        seconds = medians(contenders.augmented_steps(), options.runs, clock)
        results["epoch"] = {name: value * EPOCH_IMAGES / options.batch for name, value in seconds.items()}
        show(f"epoch of {EPOCH_IMAGES:,} images with augmentation", results["epoch"], EPOCH_IMAGES)
    if "cold" not in options.skip:
        results["cold start"] = cold_starts(options)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=2)


if __name__ == "__main__":
    main()
