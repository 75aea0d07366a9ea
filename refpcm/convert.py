"""`python -m refpcm.convert`: trained networks in, from PyTorch, safetensors and npz files, and out again."""

import os

from data_tools.foreign_text import shown
from refpcm import cli
from refpcm.errors import RefpcmError
from refpcm.spec.resnet import ARCHITECTURES

DESCRIPTION = """\
Make a refpcm network file from a checkpoint, or export one.

  python -m refpcm.convert resnet20.th resnet20.safetensors --architecture cifar-resnet20
  python -m refpcm.convert resnet34.pth r34.safetensors --architecture imagenet-resnet34 --classes synsets.txt
  python -m refpcm.convert resnet20.safetensors resnet20.npz

SOURCE: a PyTorch checkpoint (zip or older sequential form; torch is not needed and nothing in it is executed), a
safetensors or npz file, or a refpcm network file, whose architecture is known. TARGET: a network file as .safetensors
or .npz, either of which any program for that form can read.
"""
EPILOG = f"""\
architectures: {", ".join(ARCHITECTURES)}
The number of classes follows the checkpoint. Without --mean and --std the usual ones of the architecture's data set
are assumed, ImageNet's or CIFAR-10's, and a note says so.
"""
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean, std; as torchvision's published networks
CIFAR10 = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # mean, std of the training images
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def arguments():
    parser = cli.parser("refpcm.convert", DESCRIPTION, EPILOG)
    parser.add_argument("source", metavar="SOURCE", help="file with trained weights")
    parser.add_argument("target", metavar="TARGET", help="network file to write: .safetensors or .npz")
    parser.add_argument("--architecture", metavar="NAME", help="one of the list below; needed unless SOURCE has it")
    parser.add_argument("--weights", metavar="KEY", help="where SOURCE keeps the weights to take, such as state_dict_ema, if "
                        "it holds several sets")
    parser.add_argument("--mean", type=float, nargs=3, metavar=("R", "G", "B"),
                        help="mean of the inputs in training, of pixels scaled to 0 ... 1")
    parser.add_argument("--std", type=float, nargs=3, metavar=("R", "G", "B"), help="their standard deviation")
    parser.add_argument("--classes", nargs="+", metavar="NAME", help="class names in order, or one text file with a "
                        "name a line")
    return parser.parse_args()


def main():
    options = arguments()
    if (options.mean is None) != (options.std is None):
        raise RefpcmError("--mean and --std belong together; give both or neither")

    from refpcm.files.network_file import check_target, is_network, save_network
    from refpcm.files.sources import read_source
    from refpcm.spec.resnet import pcm_weight_count
    check_target(options.source, options.target)

    form, content, metadata = read_source(options.source)
    network_file, assumed = resolve(options, form, content, metadata)
    save_network(options.target, network_file)
    network = network_file.network
    first = ", ".join(shown(name, 60) for name in network_file.classes[:10])
    print(cli.table([
        ("read", f"{options.source} ({form}{', refpcm network file' if is_network(metadata) else ''})"),
        ("network", f"{network.architecture}, {pcm_weight_count(network):,} weights, "
                    f"{len(network_file.parameters)} tensors"),
        ("classes", f"{network.classes}: {first}{', ...' if network.classes > 10 else ''}"),
        ("mean", " ".join(f"{value:g}" for value in network_file.mean)),
        ("std", " ".join(f"{value:g}" for value in network_file.std)),
        ("written", options.target)]))
    for note in assumed:
        print(f"note: {note}")


def resolve(options, form, content, metadata):
    """(NetworkFile, list of sentences on what was assumed) from the options and the content of the source."""
    from dataclasses import replace

    from refpcm.files.holders import find_state_dict
    from refpcm.files.names import class_count, to_parameters
    from refpcm.files.network_file import NetworkFile, check_normalisation, is_network, parse_network
    from refpcm.files.reading import sha256_of
    from refpcm.spec.resnet import build

    if is_network(metadata):
        known, assumed = parse_network(options.source, content, metadata), []
        if options.architecture not in (None, known.network.architecture):
            raise RefpcmError(f"{options.source} is a network file of {known.network.architecture}, "
                              f"not {options.architecture}; leave --architecture out")
    elif metadata.get("format", "").startswith("refpcm-"):
        raise RefpcmError(f"{options.source} is a {shown(metadata['format'], 60)} file; convert takes network files")
    else:
        if options.architecture is None:
            raise RefpcmError(f"{options.source} does not say its architecture; add --architecture, one of "
                              f"{', '.join(ARCHITECTURES)}")
        build(options.architecture)
        state_dict, notes_on_weights = find_state_dict(options.source, content, options.weights)
        network = build(options.architecture, class_count(state_dict))
        parameters = to_parameters(options.source, network, state_dict)
        mean, std, assumed = default_normalisation(options)
        assumed = notes_on_weights + assumed
        classes = default_classes(network)
        notes = {"imported from": os.path.basename(options.source).encode("utf-8", "replace").decode(), "form": form,
                 "sha256 of source": sha256_of(options.source)}
        known = NetworkFile(network, parameters, classes, mean, std, notes)
    if options.mean is not None:
        check_normalisation("--mean, --std", known.network.input_shape[0], options.mean, options.std)
        known = replace(known, mean=tuple(options.mean), std=tuple(options.std))
    if options.classes is not None:
        known = replace(known, classes=read_classes(options.classes, known.network.classes))
    return known, assumed


def default_normalisation(options):
    """(mean, std, notes) that the architecture's data set suggests; no notes if the options say better."""
    imagenet = options.architecture.startswith("imagenet-")
    mean, std = IMAGENET if imagenet else CIFAR10
    if options.mean is not None:
        return mean, std, []
    note = (f"mean and std were not given: {'ImageNet' if imagenet else 'CIFAR-10'}'s were assumed; give --mean and "
            "--std if the network was trained with others")
    return mean, std, [note]


def default_classes(network):
    """CIFAR-10's names for ten classes of small images, else "class 0", "class 1", ..."""
    if network.classes == 10 and not network.architecture.startswith("imagenet-"):
        return CIFAR10_CLASSES
    return tuple(f"class {index}" for index in range(network.classes))


def read_classes(words, count):
    """`count` class names: the words themselves, or the lines of the one file they name. RefpcmError otherwise."""
    names, where = words, "--classes"
    if len(words) == 1 and count != 1:
        from refpcm.files.reading import read_text
        where, = words
        names = [line.strip() for line in read_text(where).splitlines()]
        while names and not names[-1]:
            names.pop()
    if len(names) != count or not all(names):
        raise RefpcmError(f"{where}: {count} class names are wanted, none of them empty; there are {len(names)}")
    return tuple(names)


if __name__ == "__main__":
    cli.run(main)
