"""What a figure says of itself beside its numbers: network, data, scale and what is changed of it, given networks, a caveat."""

from dataclasses import asdict, replace

from refpcm.files.network_file import load_network
from refpcm.reproduction.scales import SCALES, differences
from refpcm.reproduction.setting import with_usual_adabs
from refpcm.reproduction.trainings import all_trainings
from refpcm.reproduction.variants import label, training_config
from refpcm.spec.training.config import preset

OTHER_NETWORK = "The paper's network and data are others: compare signs and shapes, not levels."
OTHER_TRAININGS = "The paper's trainings are others: compare signs and shapes, not levels."
NO_RECIPE = ("seed", "architecture", "kernels")  # fields of a training that are not its recipe


def heading(setting, dataset, module):
    """Return the lines under a figure's title."""
    scale, variants = setting.scale, module.networks(setting.scale)
    images = len(dataset.test_labels[:scale.images])
    where = f"{scale.fp32.architecture} on {dataset.name}, scale {setting.name}, {images:,} test images"
    if hasattr(module, "device"):
        where += f", device {module.device(scale)}"
    lines = [where]
    changed = differences(scale, with_usual_adabs(replace(setting, scale=SCALES[setting.name])).scale)
    if changed:
        lines.append(f"changed of this scale: {', '.join(changed)}")
    for variant in [variant for variant in setting.given if variant in variants]:
        paths = setting.given[variant]
        clause = _recipe_clause(setting, variant, paths) if all_trainings(setting, variants) else ""
        lines.append(f"{label(variant)}: {', '.join(map(str, paths))}, not trained here{clause}")
    return lines


def _recipe_clause(setting, variant, paths):
    """Return a clause with the fields in which the recipes of given networks differ from that of the others, if they name it."""
    wanted, found = asdict(training_config(setting.scale, variant, 0)), set()
    for path in paths:
        config = load_network(path).notes.get("config")
        found |= {name for name, value in wanted.items() if isinstance(config, dict) and config.get(name, value) != value}
    fields = [name for name in wanted if name in found and name not in NO_RECIPE]
    return f"; its recipe has another {', '.join(fields)}" if fields else ""


def caveat(setting, dataset, recipes):
    """Return in which respect levels are not the paper's; None if in none. recipes: {"fp32", "retraining"}, None: not used."""
    if not is_papers(setting.scale.fp32.architecture, dataset):
        return OTHER_NETWORK
    papers = _papers_recipes(setting.scale.fp32.architecture)
    same = all(recipe is None or papers[name] == {**recipe, "kernels": (papers[name] or {}).get("kernels")}
               for name, recipe in recipes.items())
    return None if same else OTHER_TRAININGS


def _papers_recipes(architecture):
    """Return {"fp32", "retraining"}, the paper's as dictionaries; None: on ImageNet it began with torchvision's network."""
    if architecture == "imagenet-resnet34":
        return {"fp32": None, "retraining": asdict(preset("joshi2020-imagenet"))}
    return {name: asdict(getattr(SCALES["full"], name)) for name in ("fp32", "retraining")}


def is_papers(architecture, dataset):
    """Whether the paper's numbers are those of this network and data; ImageNet is known by its classes and images."""
    if architecture == "imagenet-resnet34":
        return (len(dataset.classes), len(dataset.test_labels)) == (1000, 50000)
    return (architecture, dataset.name) == ("joshi2020-resnet32", "cifar10")
