"""Speed of the chip against aihwkit on the same cores: `python -m tests.benchmarks.chip_speed`.

Contenders run in one process and take turns, so that whatever else the machine does meets them alike; the tables show
medians and their ratios. aihwkit is optional.
"""

import argparse
import os
import time

import numpy as np

from tests.benchmarks.timing import medians, show

DAY_S = 86400.0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--network", default="joshi2020-resnet32")
    parser.add_argument("--images", type=int, default=16, help="images of an inference on tiles (default 16)")
    parser.add_argument("--runs", type=int, default=9, help="runs of each contender (default 9)")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall",
                        help="cpu: processor time of this process, all threads together, for busy machines")
    parser.add_argument("--skip", nargs="*", default=[], choices=("devices", "tiles"))
    return parser.parse_args()


def devices(matrices):
    """Return {name: call} that programs every device, draws its drift exponent and reads it once after a day."""
    from refpcm.fast.chip import program, read
    from refpcm.spec.pcm.device import AIHWKIT_PCM, JOSHI2020
    contenders = {"refpcm": lambda: read(program(matrices, JOSHI2020, 1, 0), DAY_S),
                  "refpcm, aihwkit-pcm": lambda: read(program(matrices, AIHWKIT_PCM, 1, 0), DAY_S)}
    try:
        import torch
        from aihwkit.inference.noise.pcm import PCMLikeNoiseModel
    except ImportError:
        print("aihwkit is not installed: nothing to compare with")
        return contenders
    model, weights = PCMLikeNoiseModel(g_max=25.0), [torch.tensor(m) for m in matrices.values()]

    def aihwkit():
        for w in weights:
            programmed, nu = model.apply_programming_noise(w)
            model.apply_drift_noise(programmed, nu, DAY_S - JOSHI2020.t0_s)
    return {**contenders, "aihwkit": aihwkit}


def on_tiles(network, parameters, matrices, images):
    """Return {name: call} of an inference on 512-row tiles with 8-bit converters and output noise, and with less and more."""
    from refpcm.forms import find_forms
    from refpcm.spec.network_on_tiles import Analog, calibrate_ranges
    from refpcm.spec.pcm.tile import Tiles
    tiles, forms = Tiles(512, output_noise=0.04), find_forms("direct")  # the form of digital layers beside tiles
    digital = forms.make_engine(network)
    w_max = {name: float(np.abs(m).max()) for name, m in matrices.items()}
    ranges = calibrate_ranges(network, parameters, "all", [images[:8]], 8, tiles)
    variances = {name: (0.03 * w_max[name]) ** 2 * np.ones_like(m) for name, m in matrices.items()}
    engine = forms.make_engine_on_tiles(network, Analog(tiles, matrices, w_max, ranges))
    noisy = forms.make_engine_on_tiles(network, Analog(tiles, matrices, w_max, ranges, variances=variances))
    quiet = forms.make_engine_on_tiles(network, Analog(Tiles(512), matrices, w_max, ranges))
    contenders = {"refpcm, digital network": lambda: digital.forward(parameters, images),
                  "refpcm, converters only": lambda: quiet.forward(parameters, images),
                  "refpcm": lambda: engine.forward(parameters, images),
                  "refpcm, and read noise": lambda: noisy.forward(parameters, images)}
    try:
        import torch
        from aihwkit.nn.conversion import convert_to_analog
        from aihwkit.simulator.configs import InferenceRPUConfig

        from tests.benchmarks.torch_network import TorchNetwork
    except ImportError:
        return contenders
    model = convert_to_analog(TorchNetwork(network), InferenceRPUConfig()).eval()
    inputs = torch.tensor(images)

    def aihwkit():
        with torch.no_grad():
            model(inputs)
    return {**contenders, "aihwkit, default tiles": aihwkit}


def main():
    options = arguments()
    import numba

    from refpcm.spec import random
    from refpcm.spec.crossbars import to_matrices
    from refpcm.spec.resnet import build, initial_parameters
    numba.set_num_threads(options.threads)
    try:
        import torch
        torch.set_num_threads(options.threads)
    except ImportError:
        pass
    network = build(options.network)
    parameters = initial_parameters(
        network, lambda layer, n: random.normals(1, 0, random.Purpose.INITIALISATION, layer, 0, 0, n, np.float32))
    matrices = to_matrices(network, parameters)
    count = 2 * sum(m.size for m in matrices.values())
    clock = {"wall": time.perf_counter, "cpu": time.process_time}[options.clock]
    if "devices" not in options.skip:
        show(f"programming, drift and read of {count:,} devices, {options.threads} threads",
             medians(devices(matrices), options.runs, clock))
    if "tiles" not in options.skip:
        images = np.random.default_rng(0).standard_normal((options.images, *network.input_shape)).astype(np.float32)
        show(f"inference, 8-bit converters, 512 rows, output noise, {options.images} images, {options.threads} threads",
             medians(on_tiles(network, parameters, matrices, images), options.runs, clock), options.images)


if __name__ == "__main__":
    main()
