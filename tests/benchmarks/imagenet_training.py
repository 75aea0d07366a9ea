"""Noise-aware training of ResNet-34 on real ImageNet images: `python -m tests.benchmarks.imagenet_training`.

A few steps of the preset joshi2020-imagenet, from seeded initial weights, since no trained ones are at hand: time and
memory are those of a trained network. The images are class folders with few images, each listed several times.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--from", dest="source", required=True, type=Path, metavar="TREE",
                        help="class folders with images, such as 25 of one image each")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--steps", type=int, default=4, help="the first, which compiles, is not counted (default 4)")
    parser.add_argument("--batch-size", type=int, help="default: that of the preset")
    parser.add_argument("--batch-parts", type=int, help="default: that of the preset")
    parser.add_argument("--kernels", choices=("winograd", "direct"), help="default: that of the preset")
    return parser.parse_args()


def make_index(source, folder, copies):
    """An index whose train and val list every image `copies` times."""
    from data_tools.imagenet_building import build
    for copy in range(copies):
        for path in source.glob("*/*"):
            for split in ("train", "val"):
                link = folder / "tree" / split / path.parent.name / f"{copy}-{path.name}"
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path.resolve())
    build(folder / "tree", folder / "index")
    return folder / "index"


def clocks():
    """Seconds on the clock and of processor time."""
    return time.perf_counter(), time.process_time()


def report(what, began, ended, images):
    wall, cpu = (end - begin for begin, end in zip(began, ended))
    print(f"{what:34s}{wall / images * 1e3:8.1f} ms an image, processor time {cpu / images * 1e3:8.1f} ms")


def measure(options, index):
    import dataclasses

    import numba
    import numpy as np
    numba.set_num_threads(options.threads)
    from refpcm.datasets import load
    from refpcm.spec.training.config import preset
    from refpcm.training import loop
    from refpcm.training.sources import image_source
    config = preset("joshi2020-imagenet")
    batch = options.batch_size or config.batch_size
    config = dataclasses.replace(config, kernels=options.kernels or config.kernels, batch_size=batch,
                                 batch_parts=options.batch_parts or config.batch_parts)
    dataset = load(index)
    print(f"{config.architecture}, {len(dataset.classes)} classes, batch {batch} in {config.batch_parts} parts, {config.kernels}, "
          f"{options.threads} threads")
    source = image_source(config, dataset)
    source.batch(np.arange(2), 0)  # may compile
    began = clocks()
    source.batch(np.arange(batch) % len(source), 0)
    report("decoding and resized crop", began, clocks(), batch)
    ticks, state = [], loop.start(config, len(dataset.classes), "")

    def stop(state, total):
        ticks.append(clocks())
        return len(ticks) == options.steps
    loop.train(state, dataset, stop, lambda state, record: None)
    report(f"training, {len(ticks) - 1} steps", ticks[0], ticks[-1], batch * (len(ticks) - 1))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"a step {(ticks[-1][0] - ticks[0][0]) / (len(ticks) - 1):.1f} s, peak memory {memory:,.0f} MiB")


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        images = len(list(options.source.glob("*/*")))
        if not images:
            raise SystemExit(f"{options.source} has no class folders with images; name such a folder with --from")
        from refpcm.spec.training.config import preset
        batch = options.batch_size or preset("joshi2020-imagenet").batch_size
        copies = -(-batch * options.steps // images)
        measure(options, make_index(options.source, Path(folder), copies))


if __name__ == "__main__":
    main()
