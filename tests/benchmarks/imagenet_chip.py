"""ResNet-34 on a chip for a year, with real ImageNet images: `python -m tests.benchmarks.imagenet_chip`.

No trained weights are at hand, so they are the seeded initial ones: time and memory are those of a trained network,
accuracy says nothing. Classes without a folder get made-up names. AdaBS calibrates on the test images, since a sample
has no training images. Each case runs in a process of its own, so that its peak memory is its own.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NETWORK, CLASSES, YEAR_S = "imagenet-resnet34", 1000, 31536000.0

def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--from", dest="source", type=Path, metavar="TREE",
                        help="class folders with images, such as 25 of one image each; needed")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--adabs-batches", type=int, default=5, metavar="N", help="mini-batches of AdaBS (default 5)")
    parser.add_argument("--adabs-batch-size", type=int, default=5, metavar="M", help="images in each (default 5)")
    parser.add_argument("--case", choices=("all", "inner"), help=argparse.SUPPRESS)  # these two are for the processes
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)               # that this one starts
    return parser.parse_args()


def prepare(source, folder):
    """Network file and index of the images, in `folder`."""
    from data_tools.imagenet_building import build as build_index
    from refpcm.datasets.imagenet import MEAN, STD
    from refpcm.files.network_file import NetworkFile, save_network
    from refpcm.spec import random
    from refpcm.spec.resnet import build, initial_parameters
    names = sorted(path.name for path in source.iterdir() if path.is_dir())
    classes = tuple(names + [f"n{i:08d}" for i in range(CLASSES - len(names))])
    (folder / "classes.txt").write_text("\n".join(classes) + "\n")
    build_index(source, folder / "index", False, folder / "classes.txt", "val")
    network = build(NETWORK)
    parameters = initial_parameters(
        network, lambda layer, n: random.normals(1, 0, random.Purpose.INITIALISATION, layer, 0, 0, n))
    save_network(folder / "network.safetensors", NetworkFile(network, parameters, classes, MEAN, STD))


def case(options):
    """One chip from programming to AdaBS; prints seconds of each stage and the peak memory of this process."""
    import numba
    numba.set_num_threads(options.threads)
    from refpcm.evaluation.calibration import MiniBatches
    from refpcm.evaluation.inputs import Inputs
    from refpcm.spec.compensation.adabs import calibrate, calibration_images
    from refpcm.spec.compensation.global_drift import Readout, compensated_read, reference_readouts
    from refpcm.spec.crossbars import program_network, with_matrices
    from refpcm.spec.pcm.device import JOSHI2020

    def timed(stage, call):
        start = time.perf_counter()
        result = call()
        print(f"  {stage:52s}{time.perf_counter() - start:8.2f} s")
        return result

    began = time.perf_counter()
    inputs = timed("network file and index", lambda: Inputs(options.folder / "network.safetensors",
                                                            options.folder / "index", "direct"))
    network, trained = inputs.file.network, inputs.file.parameters
    how = Readout(conductances=inputs.forms.chip.read_conductances)
    chip = timed("programming", lambda: program_network(network, trained, JOSHI2020, 1, 0, options.case,
                                                         inputs.forms.chip.program))
    reference = timed("reference readouts at 25 s", lambda: reference_readouts(chip, how))
    compensated, alphas = timed("read after a year, with GDC",
                                lambda: compensated_read(chip, YEAR_S, 0, reference, how))[1:]
    parameters = with_matrices(network, trained, compensated)
    images = inputs.calibration_images("test")
    chosen = calibration_images(1, 0, 0, len(images), options.adabs_batches, options.adabs_batch_size)
    parameters = timed(f"AdaBS, {chosen.shape[0]} mini-batches of {chosen.shape[1]} images, decoding included",
                       lambda: calibrate(inputs.engine, parameters, MiniBatches(inputs, images, chosen)))
    timed(f"inference, {len(images)} images, decoding included", lambda: inputs.count_correct(parameters))
    devices = sum(crossbar.nu.size for crossbar in chip.crossbars)
    print(f"  {devices:,} devices in {len(chip.crossbars)} layers, alpha {min(alphas.values()):.3f} to "
          f"{max(alphas.values()):.3f}; together {time.perf_counter() - began:.1f} s, peak memory "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def main():
    options = arguments()
    if options.case:
        case(options)
        return
    if not options.source:
        raise SystemExit("name class folders with images: --from TREE")
    print(f"{NETWORK}, seeded initial weights, {options.threads} threads")
    with tempfile.TemporaryDirectory() as folder:
        prepare(options.source, Path(folder))
        for name, meaning in (("all", "all layers on PCM"), ("inner", "first and last layer digital")):
            print(f"\n{meaning}", flush=True)
            subprocess.run([sys.executable, "-m", "tests.benchmarks.imagenet_chip", "--case", name, "--folder", folder,
                            "--threads", str(options.threads), "--adabs-batches", str(options.adabs_batches),
                            "--adabs-batch-size", str(options.adabs_batch_size)], check=True)


if __name__ == "__main__":
    main()
