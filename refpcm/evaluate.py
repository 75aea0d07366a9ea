"""`python -m refpcm.evaluate`: accuracy of a network file on the test images of a data set."""

from refpcm import cli

DESCRIPTION = """\
Accuracy of a network file (made by refpcm.train or refpcm.convert) on the test images of a data set.

  python -m refpcm.evaluate --network resnet20.safetensors --data ~/cifar10 --digital --json
"""


def arguments():
    parser = cli.parser("refpcm.evaluate", DESCRIPTION)
    parser.add_argument("--network", metavar="FILE", required=True, help="network file (.safetensors)")
    parser.add_argument("--data", metavar="DIR", help="folder prepared by data_tools; the built-in images if left out")
    parser.add_argument("--digital", action="store_true", required=True,
                        help="exact weights, float32 arithmetic: no chip")
    parser.add_argument("--kernels", choices=("vector", "plain", "numpy"), default="vector",
                        help="vector and plain: Numba; numpy: the specification, slow")
    parser.add_argument("--batch-size", type=int, default=256, help="images at a time; no influence on the result")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    cli.add_threads(parser)
    return parser.parse_args()


def main():
    options = arguments()
    import time

    from refpcm.datasets import load
    from refpcm.errors import RefpcmError
    from refpcm.files.network_file import load_network
    from refpcm.training.executor import make_engine
    from refpcm.training.loop import predict

    if options.batch_size < 1:
        raise RefpcmError(f"--batch-size {options.batch_size} must be at least 1")
    cli.set_threads(options.threads)
    network_file = load_network(options.network)
    dataset = load(options.data)
    check_fit(network_file, dataset, options.network)
    engine = make_engine(network_file.network, options.kernels)
    began = time.perf_counter()
    predicted = predict(engine, network_file.parameters, dataset.test_images, network_file.mean, network_file.std,
                        options.batch_size)
    seconds = time.perf_counter() - began
    correct, total = int((predicted == dataset.test_labels).sum()), len(predicted)
    result = {"accuracy": correct / total, "correct": correct, "total": total, "network": options.network,
              "architecture": network_file.network.architecture, "data": dataset.name, "kernels": options.kernels,
              "images_per_second": total / seconds, "versions": cli.versions()}
    if options.json:
        cli.print_json(result)
    else:
        print(cli.table([("network", f"{options.network} ({result['architecture']})"), ("data", dataset.name),
                         ("accuracy", f"{100 * correct / total:.2f} %  ({correct} of {total} test images)"),
                         ("speed", f"{total / seconds:.0f} images/s, compilation included")]))


def check_fit(network_file, dataset, path):
    """Raises RefpcmError unless the network sorts images of the data set's size into as many classes."""
    from refpcm.errors import RefpcmError
    shape, classes = network_file.network.input_shape, network_file.network.classes
    if dataset.test_images.shape[1:] != shape or len(dataset.classes) != classes:
        raise RefpcmError(f"{path} wants images {shape} in {classes} classes; {dataset.name} has images "
                          f"{dataset.test_images.shape[1:]} in {len(dataset.classes)}: choose other --data")


if __name__ == "__main__":
    cli.run(main)
