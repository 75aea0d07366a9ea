"""Speed of training and inference against PyTorch on the same cores: `python -m tests.benchmarks.training_speed`.

All contenders run in one process and take turns, so that whatever else the machine does meets them alike; the tables
show medians, and ratios of medians. PyTorch is optional. Cold starts run in processes of their own.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--network", default="joshi2020-resnet32")
    parser.add_argument("--batch", type=int, default=128, help="images of a training step (default 128)")
    parser.add_argument("--inference", type=int, nargs="*", default=[1, 128, 256],
                        help="batch sizes (default 1 128 256)")
    parser.add_argument("--runs", type=int, default=15, help="runs of each contender (default 15)")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--kernels", default="direct", choices=("direct", "winograd", "winograd", "plain"))
    parser.add_argument("--compile", action="store_true", help="also torch.compile (takes a minute)")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall",
                        help="cpu: processor time of this thread, for busy machines; needs --threads 1")
    parser.add_argument("--skip", nargs="*", default=[], choices=("steps", "profile", "layers", "epoch", "cold"))
    parser.add_argument("--json", help="also write the numbers to this file")
    options = parser.parse_args()
    if options.clock == "cpu" and options.threads != 1:
        parser.error("--clock cpu sees one thread only; add --threads 1")
    return options


def medians(contenders, runs, clock):
    """{name: seconds}, the contenders taking turns; one unmeasured run each comes first."""
    times = {name: [] for name in contenders}
    for call in contenders.values():
        call()
    for _ in range(runs):
        for name, call in contenders.items():
            start = clock()
            call()
            times[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def show(title, rows, images=None):
    """Print {name: seconds} and what "refpcm" gains over each of the others."""
    print(f"\n{title}")
    for name, seconds in rows.items():
        rate = f"{images / seconds:10,.0f} images/s" if images else ""
        gain = "" if name.startswith("refpcm") else f"   refpcm is {seconds / rows['refpcm']:.2f} times as fast"
        print(f"  {name:28s}{seconds * 1e3:10.2f} ms{rate}{gain}")


class Setting:
    """Network, parameters, images, and the contenders' training steps and inferences."""

    def __init__(self, options):
        import numpy as np

        from refpcm.fast.network.engine import Engine
        from refpcm.forms import find_forms
        from refpcm.spec import resnet
        from refpcm.spec.training.sgd import decayed_names, zero_velocities
        self.options, self.network, rng = options, resnet.build(options.network), np.random.default_rng(0)
        self.parameters = resnet.initial_parameters(self.network, lambda index, count: rng.standard_normal(count))
        count = max([options.batch, *options.inference])
        self.images = rng.standard_normal((count, *self.network.input_shape), np.float32)
        self.labels = rng.integers(0, self.network.classes, count)
        self.engine, self.rules = Engine(self.network, options.kernels), find_forms(options.kernels).rules
        self.velocity, self.decayed = zero_velocities(self.parameters), decayed_names(self.parameters, "all")
        self.torch = {}
        try:
            import torch
        except ImportError:
            print("PyTorch is not installed: its rows are missing")
            return
        from tests.benchmarks import torch_network
        torch.set_num_threads(options.threads)
        self.torch_network, self.torch_labels = torch_network, torch.from_numpy(self.labels)
        for name, channels_last in (("PyTorch eager, channels_last", True), ("PyTorch eager, NCHW", False)):
            self.torch[name] = (*torch_network.make(self.network, channels_last),
                                torch_network.as_tensor(self.images, channels_last))
        if options.compile:
            module, optimiser = torch_network.make(self.network, True)
            self.torch["torch.compile, channels_last"] = (torch.compile(module), optimiser,
                                                          torch_network.as_tensor(self.images, True))

    def step(self, images, labels):
        """Forward, backward, SGD and running statistics, as `refpcm.train` does them."""
        from refpcm.spec import nn
        logits = self.engine.forward(self.parameters, images, training=True)
        gradients = self.engine.backward(self.parameters, nn.cross_entropy(logits, labels)[1])
        self.rules.update(self.parameters, gradients, self.velocity, self.decayed, 0.05, 0.9, True, 5e-4)
        for name, (mean, variance) in self.engine.statistics.items():
            for part, value in (("running_mean", mean), ("running_var", variance)):
                key = f"{name}.{part}"
                self.parameters[key] = nn.update_running(self.parameters[key], value)

    def training_steps(self):
        n = self.options.batch
        steps = {"refpcm": lambda: self.step(self.images[:n], self.labels[:n])}
        for name, (module, optimiser, images) in self.torch.items():
            steps[name] = lambda m=module, o=optimiser, x=images: self.torch_network.training_step(
                m, o, x[:n], self.torch_labels[:n])
        return steps

    def inferences(self, n):
        calls = {"refpcm": lambda: self.engine.forward(self.parameters, self.images[:n])}
        for name, (module, _, images) in self.torch.items():
            calls[name] = lambda m=module, x=images: self.torch_network.inference(m, x[:n])
        return calls


def sgemm_peak(threads, clock, runs):
    """GFLOP/s of the faster sgemm at hand on 2048 x 2048."""
    import numpy as np
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
    """Forward, gradient of the input and of the weights of each distinct convolution, in GFLOP/s."""
    from tests.benchmarks.layers import convolutions
    print(f"\nconvolutions, batch {options.batch}: GFLOP/s (per cent of sgemm)")
    print("  " + "channels, size, kernel/stride".ljust(32) + "".join(
        title.rjust(20) for title in ("forward", "gradient of input", "of weights")))
    table = {}
    for label, flops, calls in convolutions(options.network, options.batch, options.kernels):
        rates = {name: flops / seconds / 1e9 for name, seconds in medians(calls, options.runs, clock).items()}
        cells = "".join((f"{rates[name]:.0f} ({100 * rates[name] / peak:.0f} %)" if name in rates else "-").rjust(20)
                        for name in ("forward", "input", "weights"))
        print("  " + label.ljust(32) + cells)
        table[label] = rates
    return table


def profile_table(setting, clock, runs):
    """Median seconds of each kernel in a training step."""
    from tests.benchmarks.step_profile import profile
    step = setting.training_steps()["refpcm"]
    step()
    profiles = [profile(step, clock) for _ in range(runs)]
    table = {name: statistics.median(p.get(name, 0) for p in profiles) for name in profiles[0]}
    total = sum(table.values())
    print("\nrefpcm's training step by kernel")
    for name, seconds in table.items():
        if seconds > total / 200:
            print(f"  {name:40s}{seconds * 1e3:8.1f} ms{100 * seconds / total:6.0f} %")
    return table


def epoch(setting, clock, runs):
    """Seconds for 50,000 images with crop, flip, Cutout and normalisation, from batches of 128 in turn."""
    import numpy as np

    from refpcm.spec.training.augmentation import Augmentation, draw_moves, prepare
    n, images = setting.options.batch, np.random.default_rng(0).integers(0, 256, (2048, 3, 32, 32)).astype(np.uint8)
    moves = draw_moves(Augmentation(cutout=8), (32, 32), 0, 0, len(images))
    statistics_ = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)

    def load():
        chosen = np.random.default_rng(1).permutation(len(images))[:n]
        return prepare(images[chosen], moves[chosen], 8, *statistics_)
    calls = {"refpcm": lambda: setting.step(load(), setting.labels[:n])}
    for name, (module, optimiser, _) in setting.torch.items():
        last = "last" in name
        calls[name] = lambda m=module, o=optimiser, c=last: setting.torch_network.training_step(
            m, o, setting.torch_network.as_tensor(load(), c), setting.torch_labels[:n])
    return {name: seconds * 50_000 / n for name, seconds in medians(calls, runs, clock).items()}


ALONE = """
import time
start = time.perf_counter()
import numpy as np
from refpcm.spec import resnet
from refpcm.fast.network.engine import Engine
network = resnet.build("{network}")
parameters = resnet.initial_parameters(network, lambda index, count: np.ones(count))
engine = Engine(network, "{kernels}")

def peak_mib():  # not getrusage's: that of a child begins with its parent's
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

for step in range({steps}):
    engine.forward(parameters, np.ones(({batch}, *network.input_shape), np.float32), training=True)
    engine.backward(parameters, np.ones(({batch}, network.classes), np.float32))
    if step == 0:
        seconds, first = time.perf_counter() - start, peak_mib()
print(seconds, first, peak_mib())
"""


def alone(options, batch, steps, folder):
    """Steps of refpcm in a process of its own, kernel cache in `folder`.

    -> seconds from the first import to the end of the first step; peak MiB after the first and after the last step.
    """
    code = ALONE.format(network=options.network, kernels=options.kernels, batch=batch, steps=steps)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "REFPCM_CACHE": folder})
    return [float(value) for value in done.stdout.split()]


def cold_starts(options):
    """First step with an empty kernel cache and with a full one; then the memory of steps of the whole batch."""
    with tempfile.TemporaryDirectory() as folder:
        compiling, cached = (alone(options, 16, 1, folder)[0] for _ in range(2))
        alone(options, options.batch, 1, folder)  # what kernels another batch size wants are compiled now
        _, first, last = alone(options, options.batch, 20, folder)
    print(f"\ncold start to the end of the first step: {compiling:.1f} s compiling, {cached:.1f} s from the cache")
    print(f"peak memory of a process that only trains, batch {options.batch}: {first:,.0f} MiB after the first step, "
          f"{last:,.0f} MiB after 20")
    return {"compiling": compiling, "cached": cached, "peak MiB": [first, last]}


def main():
    options = arguments()
    os.environ.setdefault("NUMBA_NUM_THREADS", str(max(options.threads, os.cpu_count())))
    os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)  # read when NumPy is imported
    import numba
    import numpy as np
    numba.set_num_threads(options.threads)
    clock = time.perf_counter if options.clock == "wall" else time.thread_time
    print(f"{options.network}, {options.kernels} kernels, {options.threads} threads, {options.clock} time, "
          f"medians of {options.runs}; "
          f"Python {sys.version.split()[0]}, NumPy {np.__version__}, Numba {numba.__version__}")
    setting, results = Setting(options), {"options": vars(options)}
    results["sgemm"] = peak = sgemm_peak(options.threads, clock, options.runs)
    if "steps" not in options.skip:
        results["step"] = medians(setting.training_steps(), options.runs, clock)
        show(f"training step, batch {options.batch}", results["step"], options.batch)
        for n in options.inference:
            results[f"inference {n}"] = medians(setting.inferences(n), options.runs, clock)
            show(f"inference, batch {n}", results[f"inference {n}"], n)
    if "profile" not in options.skip:
        results["profile"] = profile_table(setting, clock, options.runs)
    if "layers" not in options.skip:
        results["layers"] = layer_table(options, clock, peak)
    if "epoch" not in options.skip and setting.network.input_shape == (3, 32, 32):
        results["epoch"] = epoch(setting, clock, options.runs)
        show("epoch of 50,000 images with augmentation", results["epoch"], 50_000)
    if "cold" not in options.skip:
        results["cold start"] = cold_starts(options)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=2)


if __name__ == "__main__":
    main()
