"""`python -m refpcm.convert`: trained networks in, from PyTorch, safetensors and npz files, and out again."""

import os

from data_tools.foreign_text import shown
from refpcm import cli
from refpcm.errors import RefpcmError
from refpcm.spec.resnet import ARCHITECTURES, SPELLED_OUT

DESCRIPTION = """\
Make a refpcm network file from a checkpoint, or export one.

  python -m refpcm.convert resnet20.th resnet20.safetensors --check cifar10
  python -m refpcm.convert resnet34.pth r34.safetensors --architecture imagenet-resnet34 --classes synsets.txt
  python -m refpcm.convert resnet20.safetensors resnet20.npz

SOURCE: a PyTorch checkpoint (zip or older sequential form; torch is not needed and nothing in it is executed), a
safetensors or npz file, or a refpcm network file, whose architecture is known. TARGET: a network file as .safetensors
or .npz, either of which any program for that form can read.
"""
EPILOG = f"""\
architectures: {", ".join(ARCHITECTURES)}, and
{SPELLED_OUT}, where STEM is cifar or
imagenet, and SHORTCUT projection, around or behind (docs/networks.md).
The number of classes follows the checkpoint. Without --mean and --std the usual ones of the architecture's data set
are assumed, ImageNet's or CIFAR-10's, and a note says so.
"""
CIFAR10 = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # mean, std of the training images, in the usual digits


def arguments():
    parser = cli.parser("refpcm.convert", DESCRIPTION, EPILOG)
    parser.add_argument("source", type=cli.name, metavar="SOURCE", help="file with trained weights")
    parser.add_argument("target", type=cli.name, metavar="TARGET", help="network file to write: .safetensors or .npz")
    parser.add_argument("--architecture", type=cli.name, metavar="NAME", help="one of the list below; left out, it is read "
                        "from the names and shapes in SOURCE")
    parser.add_argument("--image-size", type=int, metavar="N", help="height and width of the images of a network whose "
                        "architecture is read from SOURCE (default: 32 with a 3x3 first convolution, 224 with a 7x7)")
    parser.add_argument("--check", type=cli.name, metavar="DIR", help="try the network on 500 test images of this prepared "
                        "folder or ImageNet index, and warn if it is near guessing")
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
    if options.image_size is not None and (options.architecture or not 1 <= options.image_size <= 9999):
        raise RefpcmError("--image-size is a number from 1 to 9999, for networks whose --architecture is left out")

    form, content, metadata = read_source(options.source)
    network_file, notes = resolve(options, form, content, metadata)
    if options.check:
        from refpcm.convert_check import checked
        may_choose = options.architecture is None and not is_network(metadata)
        network_file, found = checked(network_file, options.check, may_choose)
        notes += found
    elif not is_network(metadata):
        notes += placement_note(network_file.network)
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
    for note in notes:
        print(note if note.startswith("warning: ") else f"note: {note}")


def resolve(options, form, content, metadata):
    """(NetworkFile, list of sentences on what was read and assumed) from the options and the content of the source."""
    from dataclasses import replace

    from refpcm.files.holders import find_state_dict
    from refpcm.files.names import class_count, read_network, to_parameters
    from refpcm.files.network_file import NetworkFile, check_normalisation, is_network, parse_network
    from refpcm.files.reading import sha256_of
    from refpcm.spec.resnet import build, other_placement

    if is_network(metadata):
        for given, what in ((options.image_size, "the size of its images; leave --image-size out"),
                            (options.weights, "which weights are its own; leave --weights out")):
            if given is not None:
                raise RefpcmError(f"{options.source} is a network file, which says {what}")
        known, notes = parse_network(options.source, content, metadata), []
        network = build(options.architecture or known.network.architecture, known.network.classes)
        if network not in (known.network, other_placement(known.network)):
            raise RefpcmError(f"{options.source} is a network file of {known.network.architecture}, "
                              f"not {options.architecture}; leave --architecture out")
        known = replace(known, network=network)
    elif metadata.get("format", "").startswith("refpcm-"):
        raise RefpcmError(f"{options.source} is a {shown(metadata['format'], 60)} file; convert takes network files")
    else:
        if options.architecture:
            build(options.architecture)  # refuses an unknown name before the weights are looked for
        state_dict, notes = find_state_dict(options.source, content, options.weights)
        if options.architecture:
            network = build(options.architecture, class_count(state_dict))
        else:
            network, what = read_network(options.source, state_dict, options.image_size)
            notes.append(what)
        parameters = to_parameters(options.source, network, state_dict)
        mean, std, assumed = default_normalisation(network, options.mean is not None)
        notes += assumed
        origin = {"imported from": os.path.basename(options.source).encode("utf-8", "replace").decode(), "form": form,
                  "sha256 of source": sha256_of(options.source)}
        known = NetworkFile(network, parameters, default_classes(network), mean, std, origin)
    if options.mean is not None:
        check_normalisation("--mean, --std", known.network.input_shape[0], options.mean, options.std)
        known = replace(known, mean=tuple(options.mean), std=tuple(options.std))
    if options.classes is not None:
        known = replace(known, classes=read_classes(options.classes, known.network.classes))
    return known, notes


def placement_note(network):
    """What is assumed of option A's zeros, which no checkpoint tells, as a list that is empty without option A."""
    from refpcm.spec.resnet import other_placement
    other = other_placement(network)
    if other is None:
        return []
    where = "behind the old channels" if "-behind" in network.architecture else "around the old channels, half of them before"
    return [f"the zeros of option A were assumed {where}; the checkpoint does not say so. If the accuracy is far too low, "
            f"choose --architecture {other.architecture}; --check DATA tries both"]


def default_normalisation(network, given):
    """(mean, std, notes) that the network's data set suggests; no notes if better numbers were given."""
    from refpcm.datasets import imagenet
    is_imagenet = network.architecture.startswith("imagenet-")
    mean, std = (imagenet.MEAN, imagenet.STD) if is_imagenet else CIFAR10
    if given:
        return mean, std, []
    note = (f"mean and std were not given: {'ImageNet' if is_imagenet else 'CIFAR-10'}'s were assumed; give --mean and "
            "--std if the network was trained with others")
    return mean, std, [note]


def default_classes(network):
    """CIFAR-10's names for ten classes of small images, else "class 0", "class 1", ..."""
    from data_tools.cifar10_batches import CLASSES
    if network.classes == len(CLASSES) and not network.architecture.startswith("imagenet-"):
        return CLASSES
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
