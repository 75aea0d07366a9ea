"""The classes of validation images that lie in one folder: the official kit, Kaggle's and Caffe's lists."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from data_tools import matlab_file
from data_tools.errors import DataError
from data_tools.imagenet_building import build
from data_tools.imagenet_ground_truth import read_ground_truth
from data_tools.imagenet_index import read_index

FISH, LIZARD, BIRD = "n01440764", "n01682714", "n01795545"
NAMES = [f"ILSVRC2012_val_{i:08d}" for i in range(1, 5)]
TRUTH = dict(zip(NAMES, (LIZARD, FISH, BIRD, LIZARD)))
FORMS = {
    "caffe": "".join(f"{name}.JPEG {class_id}\n" for name, class_id in TRUTH.items()),
    "kaggle": "ImageId,PredictionString\n" + "".join(
        f"{name},{class_id} 85 1 499 272 {class_id} 0 0 9 9 \n" for name, class_id in TRUTH.items()),
    "quoted": "\"ImageId\",\"PredictionString\"\n" + "".join(
        f"\"{name}\",\"{class_id} 85 1 499 272\"\n" for name, class_id in TRUTH.items()),
    "tabs, as Tiny ImageNet's": "".join(f"{name}.JPEG\t{class_id}\t0\t32\t44\t62\n" for name, class_id in TRUTH.items()),
    "id first": "".join(f"{class_id};{name}.JPEG\n" for name, class_id in TRUTH.items()),
    "paths": "".join(f"val/{class_id}/{name}.JPEG\n" for name, class_id in TRUTH.items()),
    "numbered": ",file,synset\n" + "".join(f"{i},{name}.JPEG,{TRUTH[name]}\n" for i, name in enumerate(TRUTH)),
    "spaced": "\n".join(f"  {name}.JPEG,  {class_id}\r\n" for name, class_id in TRUTH.items()),
}


def make_kit(folder, truth="2\n1\n3\n2\n"):
    """A development kit as the official one: class numbers in another order than the ids, an inner node at the end."""
    (folder / "data").mkdir(parents=True)
    synsets = np.zeros((4, 1), [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("num_children", "O")])
    synsets[:, 0] = [(1, FISH, "tench", 0), (2, LIZARD, "anole", 0), (3, BIRD, "grouse", 0),
                     (1001, "n00001740", "entity", 3)]
    savemat(folder / "data/meta.mat", {"synsets": synsets})
    (folder / "data/ILSVRC2012_validation_ground_truth.txt").write_text(truth)
    return folder


def make_tree(folder):
    for name in (FISH, LIZARD, BIRD):
        (folder / "train" / name).mkdir(parents=True)
        Image.new("RGB", (30, 30)).save(folder / "train" / name / "a.JPEG")
    (folder / "val").mkdir()
    for name in (*NAMES, "stranger"):
        Image.new("RGB", (30, 30)).save(folder / "val" / f"{name}.JPEG")
    return folder


@pytest.mark.parametrize("form", FORMS)
def test_lists_of_images_and_ids_are_read(tmp_path, form):
    (tmp_path / "list").write_text(FORMS[form])
    assert read_ground_truth(tmp_path / "list") == TRUTH


def test_the_development_kit_is_read_from_its_folder_or_its_data(tmp_path):
    kit = make_kit(tmp_path / "ILSVRC2012_devkit_t12")
    assert read_ground_truth(kit) == TRUTH == read_ground_truth(kit / "data")


def test_a_list_of_class_numbers_gets_a_way_to_one_of_ids(tmp_path):
    (tmp_path / "val.txt").write_text("a.JPEG 1\nb.JPEG 0\n")
    (tmp_path / "synsets.txt").write_text(f"{FISH}\n{BIRD}\n")
    with pytest.raises(DataError, match="gives class numbers.*awk") as refused:
        read_ground_truth(tmp_path / "val.txt")
    command = str(refused.value).split("synsets.txt: ")[1].replace("LIST", "val.txt")
    made = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True).stdout
    (tmp_path / "classes").write_text(made)
    assert read_ground_truth(tmp_path / "classes") == {"a": BIRD, "b": FISH}


def test_a_matlab_file_that_crashes_its_reader_is_refused(tmp_path, monkeypatch):
    kit = make_kit(tmp_path / "kit")
    monkeypatch.setattr(matlab_file, "_PROGRAM", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(DataError, match="meta.mat: damaged.*crashed on it.*unpack the kit again"):
        read_ground_truth(kit)
    monkeypatch.setattr(matlab_file, "TIME_S", 0.1)
    monkeypatch.setattr(matlab_file, "_PROGRAM", "import time; time.sleep(60)")
    with pytest.raises(DataError, match="took more than"):
        read_ground_truth(kit)


def test_the_child_has_limits_and_no_matlab_file_is_read_outside_of_it(tmp_path, monkeypatch):
    kit = make_kit(tmp_path / "kit")
    monkeypatch.setattr("scipy.io.loadmat", lambda *_, **__: pytest.fail("read in this process"))
    assert read_ground_truth(kit) == TRUTH
    limits = "import resource; from data_tools import matlab_file; matlab_file.json.dumps = lambda _: " + (
        "'\"' + str([resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU)]) + '\"'")
    monkeypatch.setattr(matlab_file, "_PROGRAM", f"{limits}; matlab_file._in_child()")
    with pytest.raises(DataError, match=r"\[2147483648, 20\]"):
        read_ground_truth(kit)


def test_images_in_val_itself_get_their_classes(command, tmp_path):
    make_tree(tmp_path / "tree")
    make_kit(tmp_path / "kit")
    done = command("imagenet", "--from", "tree", "--val-classes", "kit", "--out", "index")
    assert done.returncode == 0 and "3 classes, 3 images in train, 4 images in val indexed" in done.stderr, done.stderr
    index = read_index(tmp_path / "index")
    assert index.classes == (FISH, LIZARD, BIRD)
    assert [index.path("val", row).stem for row in range(4)] == NAMES
    assert index.splits["val"].labels.tolist() == [1, 0, 2, 1]
    unusual = json.loads((tmp_path / "index/imagenet.json").read_text())["unusual"]
    assert unusual["not images of a class"] == ["val/stranger.JPEG"]
    (tmp_path / "list").write_text(FORMS["kaggle"].replace(FISH, BIRD))
    with pytest.raises(DataError, match="listing differ"):
        build(tmp_path / "tree", tmp_path / "index", val_classes=tmp_path / "list")


def test_what_does_not_name_classes_is_refused(refused, tmp_path):
    tree = make_tree(tmp_path / "tree")
    texts = {"numbers": "ILSVRC2012_val_00000001.JPEG 65\nILSVRC2012_val_00000002.JPEG 970\n", "empty": "\n",
             "foreign": f"x.JPEG {FISH}\n", "twice": f"{NAMES[0]} {FISH}\n{NAMES[0]}.JPEG {BIRD}\n"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    make_kit(tmp_path / "short", "2\n7\n")
    (make_kit(tmp_path / "damaged") / "data/meta.mat").write_bytes(b"MATLAB")
    (make_kit(tmp_path / "lost") / "data/meta.mat").unlink()
    (tmp_path / "folder").mkdir()
    for name, words in {"numbers": "line 2: 'ILSVRC2012_val_00000002.JPEG 970' has no", "empty": "names no images",
                        "foreign": "names none of the images", "twice": "two classes",
                        "short": "no complete development kit", "damaged": "not the meta.mat of the development kit",
                        "lost": "meta.mat: there is no such file",
                        "folder": "ILSVRC2012_devkit_t12", "missing": "missing"}.items():
        assert words in refused("imagenet", "--from", tree, "--val-classes", tmp_path / name, "--out", "out"), name
        assert not (tmp_path / "out").exists()
    assert "name their classes with --val-classes" in refused("imagenet", "--from", tree, "--out", "out")


def pack(target, folder, mode="w"):
    """A tar file of the content of `folder`."""
    with tarfile.open(target, mode) as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)


def test_the_commands_of_the_page_lead_from_the_official_archives_to_an_index(tmp_path):
    tree = make_tree(tmp_path / "tree")
    (tmp_path / "packed").mkdir()
    for name in (FISH, LIZARD, BIRD):
        pack(tmp_path / "packed" / f"{name}.tar", tree / "train" / name)
    pack(tmp_path / "ILSVRC2012_img_train.tar", tmp_path / "packed")
    pack(tmp_path / "ILSVRC2012_img_val.tar", tree / "val")
    make_kit(tmp_path / "kits" / "ILSVRC2012_devkit_t12")
    pack(tmp_path / "ILSVRC2012_devkit_t12.tar.gz", tmp_path / "kits", "w:gz")
    page = (Path(__file__).resolve().parents[2] / "docs/data.md").read_text()
    commands = page.split("### From the download")[1].split("```")[1].replace("python -m", f"{sys.executable} -m")
    done = subprocess.run(["bash", "-euc", commands], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "3 classes, 3 images in train, 4 images in val indexed" in done.stderr
    assert read_index(tmp_path / "imagenet-index").splits["val"].cache.shape == (4, 3, 224, 224)
