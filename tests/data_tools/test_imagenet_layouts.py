"""Layouts other than ImageNet's own: taken where they say the classes, else answered with what to do."""

import json

import pytest
from PIL import Image

from data_tools.errors import DataError
from data_tools.imagenet_building import build
from data_tools.imagenet_index import read_index
from data_tools.imagenet_tree import list_tree, read_class_list
from refpcm.datasets import load
from refpcm.errors import RefpcmError

FISH, LIZARD = "n01440764", "n01682714"


def make(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith((".JPEG", ".png")):
            Image.new("RGB", (30, 30)).save(path)
        else:
            path.write_bytes(b"x")
    return folder


def test_the_class_may_stand_in_the_file_name(tmp_path, command):
    make(tmp_path / "tree", f"val/ILSVRC2012_val_00000001_{LIZARD}.JPEG", f"val/ILSVRC2012_val_00000002_{FISH}.JPEG",
         f"train/{FISH}_10026_{FISH}.JPEG", f"val/both_{FISH}_{LIZARD}.JPEG", f"val/x{FISH}.JPEG")
    done = command("imagenet", "--from", "tree", "--out", "index")
    assert done.returncode == 0, done.stderr
    assert "classes of 3 images outside of class folders are taken from their names" in done.stderr
    index = read_index(tmp_path / "index")
    assert index.classes == (FISH, LIZARD) and index.splits["val"].labels.tolist() == [1, 0]
    assert index.splits["train"].labels.tolist() == [0]
    assert index.description["unusual"]["not images of a class"] == [f"val/both_{FISH}_{LIZARD}.JPEG", f"val/x{FISH}.JPEG"]


LAYOUTS = {
    "folders of other names": (["cat/a.JPEG", "dog/b.JPEG"], "have other names .cat, dog.*data_tools.writing.write"),
    "a split of other names": (["train/cat/a.JPEG", "val/cat/b.JPEG"], "data_tools.writing.write"),
    "one folder too high": ([f"ILSVRC/Data/CLS-LOC/train/{FISH}/a.JPEG"], "name .*/ILSVRC/Data/CLS-LOC instead"),
    "packed classes": ([f"train/{FISH}.tar", f"train/{LIZARD}.tar"], f"holds archives .{FISH}.tar.*unpack them first"),
    "Tiny ImageNet": ([f"train/{FISH}/images/a.JPEG", f"train/{FISH}/boxes.txt"], "further down .*images.*move them up"),
    "Tiny ImageNet's val": (["images/a.JPEG", "annotations.txt"], "lie in images; move them up.*--val-classes"),
    "flat": (["a.JPEG"], "sort the images"), "empty": (["readme"], "sort the images"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_other_layouts_get_a_message_that_leads_on(tmp_path, layout):
    names, words = LAYOUTS[layout]
    with pytest.raises(DataError, match=words):
        list_tree(make(tmp_path / "tree", *names), "val")


@pytest.mark.parametrize("layout", ["a split of other names"])
def test_load_does_not_send_to_a_command_that_refuses(tmp_path, layout):
    with pytest.raises(RefpcmError, match="data_tools.writing.write"):
        load(make(tmp_path / "tree", *LAYOUTS[layout][0]))
    with pytest.raises(RefpcmError, match="data_tools.imagenet --from"):
        load(make(tmp_path / "good", f"val/{FISH}/a.JPEG"))


def test_a_loop_of_links_is_left_out_and_named(tmp_path):
    tree = make(tmp_path / "tree", f"val/{FISH}/a.JPEG")
    for name in ("val/loop", f"val/{FISH}/loop.JPEG", f"val/{LIZARD}"):
        (tree / name).symlink_to((tree / name).name)
    (tree / "val" / FISH / "up").symlink_to("..")
    (tree / "val" / "dangling.JPEG").symlink_to("nowhere")
    description, _ = build(tree, tmp_path / "index")
    assert description["counts"] == {"val": 1} and description["classes"] == [FISH]
    circle = "a link that leads in a circle"
    assert sorted(description["unusual"]["not images of a class"]) == [
        "val/dangling.JPEG", f"val/loop ({circle})", f"val/{FISH}/loop.JPEG ({circle})", f"val/{FISH}/up",
        f"val/{LIZARD} ({circle})"]


def test_names_that_would_command_a_terminal_are_shown_with_escapes(tmp_path, command):
    make(tmp_path / "tree", f"val/{FISH}/a.JPEG", f"val/{FISH}/\x1b]0;owned\x07\nerror: b.txt", "val/\x1b[2J.JPEG")
    done = command("imagenet", "--from", "tree", "--out", "index")
    assert done.returncode == 0 and "\x1b" not in done.stderr and "\\x1b[2J" in done.stderr
    assert not any(line.startswith("error") for line in done.stderr.splitlines())
    assert len(json.loads((tmp_path / "index/imagenet.json").read_text())["unusual"]["not images of a class"]) == 2


@pytest.mark.parametrize("text", [f"{FISH},tench\n{LIZARD},anole\n", f'"{FISH}" "tench"\n"{LIZARD}"\n', f"{FISH}\n{LIZARD}"])
def test_class_lists_may_be_quoted_or_separated_by_commas(tmp_path, text):
    (tmp_path / "classes").write_text(text)
    assert read_class_list(tmp_path / "classes") == (FISH, LIZARD)
