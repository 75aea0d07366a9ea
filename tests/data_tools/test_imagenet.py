import io
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from data_tools import imagenet, imagenet_index
from data_tools import imagenet_preprocessing as preprocessing
from data_tools.errors import DataError
from data_tools.imagenet_building import build
from data_tools.imagenet_images import BrokenImage, inspect_image, open_rgb

FISH, LIZARD, BIRD = "n01440764", "n01682714", "n01795545"


def picture(width=300, height=280, mode="RGB", seed=0):
    """A smooth random image."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def encoded(image, form="JPEG"):
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


@pytest.fixture
def tree(tmp_path):
    """train/ and val/ with every kind of image that the real set, or a bad copy of it, holds."""
    good = encoded(picture())
    files = {
        f"train/{FISH}/a.JPEG": good,
        f"train/{FISH}/b.jpg": encoded(picture(seed=1)),
        f"train/{LIZARD}/png_inside.JPEG": encoded(picture(seed=2), "PNG"),
        f"val/{FISH}/rgb.JPEG": encoded(picture(500, 375, seed=3)),
        f"val/{FISH}/grey.JPEG": encoded(picture(mode="L")),
        f"val/{FISH}/cmyk.JPEG": encoded(picture(mode="CMYK")),
        f"val/{FISH}/palette.PNG": encoded(picture(mode="P"), "PNG"),
        f"val/{FISH}/transparent.png": encoded(picture(mode="RGBA"), "PNG"),
        f"val/{LIZARD}/tiny.JPEG": encoded(picture(5, 7)),
        f"val/{LIZARD}/one_pixel.png": encoded(picture(1, 1), "PNG"),
        f"val/{LIZARD}/narrow.png": encoded(picture(2, 300), "PNG"),
        f"val/{LIZARD}/cut_off.JPEG": good[:len(good) // 2],
        f"val/{LIZARD}/cut_off.png": encoded(picture(), "PNG")[:-3000],
        f"val/{LIZARD}/header_only.JPEG": good[:50],
        f"val/{LIZARD}/empty.JPEG": b"",
        f"val/{LIZARD}/text.JPEG": b"<html>404 not found</html>",
        f"val/{LIZARD}/notes.txt": b"mine",
        "val/LOC_val_solution.csv": b"mine",
        f"val/{BIRD}/.keep": b"",
        "val/n1234/a.JPEG": good,
    }
    for name, data in files.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "tree"


def test_every_kind_of_image_is_counted_and_named(tree, command, tmp_path):
    done = command("imagenet", "--from", tree, "--out", "index")
    assert done.returncode == 0, done.stderr
    unusual = json.loads((tmp_path / "index/imagenet.json").read_text())["unusual"]
    names = {kind: sorted(os.path.basename(name.split(" (")[0]) for name in found) for kind, found in unusual.items()}
    assert names == {
        "greyscale": ["grey.JPEG"], "CMYK": ["cmyk.JPEG"], "in other colours (P)": ["palette.PNG"],
        "in other colours (RGBA)": ["transparent.png"], "tiny": ["one_pixel.png", "tiny.JPEG"],
        "broken, left out": ["cut_off.JPEG", "cut_off.png", "empty.JPEG", "header_only.JPEG", "narrow.png",
                             "text.JPEG"],
        "not images of a class": [".keep", "LOC_val_solution.csv", "n1234", "notes.txt"],
        "classes without images": [BIRD]}
    assert "6 broken, left out: " in done.stderr and " and 1 more" in done.stderr
    assert "1 greyscale: val/n01440764/grey.JPEG" in done.stderr
    assert "3 classes, 3 images in train, 7 images in val indexed" in done.stderr


def test_the_index_lists_paths_labels_and_sizes(tree, tmp_path):
    build(tree, tmp_path / "index")
    index = imagenet_index.read_index(tmp_path / "index")
    assert index.classes == (FISH, LIZARD, BIRD)
    assert index.splits["train"].labels.tolist() == [0, 0, 1]
    assert index.splits["val"].labels.tolist() == [0, 0, 0, 0, 0, 1, 1]
    assert index.path("train", 0) == tree / f"train/{FISH}/a.JPEG"
    assert index.splits["train"].sizes.tolist() == [[300, 280]] * 3
    for row in range(7):
        assert index.evaluation_image("val", row).shape == (3, 224, 224)
        assert index.training_image("val", row, np.full(preprocessing.UNIFORMS, 0.4)).shape == (3, 224, 224)


def test_the_cache_holds_the_evaluation_images(tree, tmp_path):
    build(tree, tmp_path / "plain")
    build(tree, tmp_path / "cached", cache=True)
    plain, cached = (imagenet_index.read_index(tmp_path / name) for name in ("plain", "cached"))
    assert isinstance(cached.splits["val"].cache, np.memmap) and cached.splits["train"].cache is None
    for row in range(7):
        assert (cached.evaluation_image("val", row) == plain.evaluation_image("val", row)).all()


def test_running_again_is_a_no_op_and_a_changed_tree_is_refused(tree, command, refused, tmp_path):
    arguments = ["imagenet", "--from", tree, "--out", "index"]
    command(*arguments)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "index").iterdir()}
    again = command(*arguments)
    assert again.returncode == 0 and "nothing to do" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "index").iterdir()} == before
    assert "index of this tree made with other options (cache differ)" in refused(*arguments, "--cache")
    (tree / f"val/{FISH}/new.JPEG").write_bytes(encoded(picture()))
    assert "before it changed (listing differ)" in refused(*arguments)


def test_a_single_split_is_what_the_user_says(tree, tmp_path):
    assert list(build(tree / "val", tmp_path / "a")[0]["counts"]) == ["val"]
    assert list(build(tree / "train", tmp_path / "b", single_split="train")[0]["counts"]) == ["train"]


def test_a_class_list_fixes_the_labels(tree, tmp_path):
    listed = tmp_path / "classes.txt"
    listed.write_text(f"n99999999 something else\n{LIZARD} American chameleon\n\n{BIRD}\n{FISH} tench\n")
    build(tree, tmp_path / "index", class_file=listed)
    assert imagenet_index.read_index(tmp_path / "index").splits["train"].labels.tolist() == [3, 3, 1]


def test_bad_input_is_refused_by_the_command(tree, refused, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat/ILSVRC2012_val_00000001.JPEG").write_bytes(encoded(picture()))
    (tmp_path / f"hollow/{FISH}").mkdir(parents=True)
    (tmp_path / f"broken/{FISH}").mkdir(parents=True)
    (tmp_path / f"broken/{FISH}/a.JPEG").write_bytes(b"x")
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/thesis.txt").write_text("mine")
    for name, text in {"part": FISH, "word": "fish", "twice": f"{FISH}\n{FISH}", "nothing": "\n"}.items():
        (tmp_path / f"{name}.txt").write_text(text)
    whole = ["--from", tree]
    cases = [
        (["--from", "missing"], "no such folder"), (["--from", "thesis.txt"], "no such folder"),
        (["--from", "empty"], "no images in folders named by WordNet ids"), (["--from", "flat"], "sort the images"),
        (["--from", "hollow"], "no images"), (["--from", "broken"], "none of the 1 images of val can be read"),
        ([*whole, "--classes", "missing.txt"], "missing.txt"),
        ([*whole, "--classes", "part.txt"], "does not list 2 classes of the tree: n01682714, n01795545"),
        ([*whole, "--classes", "word.txt"], "line 1: 'fish' is no WordNet id"),
        ([*whole, "--classes", "twice.txt"], "line 2: n01440764 stands there twice"),
        ([*whole, "--classes", "nothing.txt"], "lists no classes"),
        ([*whole, "--split", "test"], "invalid choice"), ([], "required"),
        (["--from", tree / "train", "--split", "train", "--cache"], "leave out --cache"),
    ]
    for arguments, reason in cases:
        assert reason in refused("imagenet", *arguments, "--out", "out"), arguments
        assert not (tmp_path / "out").exists()
    assert "--from: a name is wanted, not an empty text" in refused("imagenet", "--from", "", "--out", "out")
    assert "is a file" in refused("imagenet", *whole, "--out", "thesis.txt")
    assert "is no ImageNet index" in refused("imagenet", *whole, "--out", "taken")
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


def test_a_damaged_index_is_refused(tree, tmp_path):
    build(tree, tmp_path / "intact", cache=True)

    def damage(name, change):
        folder = tmp_path / f"damaged{damage.count}"
        damage.count += 1
        shutil.copytree(tmp_path / "intact", folder)
        change(folder / name)
        with pytest.raises(DataError, match="index the tree again|is no ImageNet index|does not describe") as failure:
            imagenet_index.read_index(folder)
        assert str(folder) in str(failure.value)
    damage.count = 0

    def flip(path):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    for split in ("train", "val"):
        for part in imagenet_index.PARTS:
            damage(f"{split}_{part}.npy", os.unlink)
            damage(f"{split}_{part}.npy", flip)
    damage("val_cache.npy", os.unlink)
    damage("val_cache.npy", lambda path: os.truncate(path, path.stat().st_size - 1))
    damage("val_cache.npy", lambda path: np.save(path, np.zeros((2, 3, 224, 224), np.uint8)))
    damage("val_cache.npy", lambda path: path.write_bytes(b"x"))
    damage("val_cache.npy", lambda path: path.write_bytes(path.read_bytes()[:128] + bytes(1000) + path.read_bytes()[128:]))
    for position in (12, 20, 24, 30, 60, 70):  # one flipped bit in the header
        damage("val_cache.npy", lambda path, position=position: path.write_bytes(
            (lambda raw: raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1:])(path.read_bytes())))
    damage("imagenet.json", os.unlink)
    for text in ("", "{", "[]", "{}", '{"format": "refpcm-imagenet-index", "version": 2}',
                 '{"format": "refpcm-imagenet-index", "version": 1}'):
        damage("imagenet.json", lambda path, text=text: path.write_text(text))
    assert damage.count == 30


@pytest.mark.parametrize("size, expected", [
    ((500, 375), (341, 256)), ((375, 500), (256, 341)), ((256, 256), (256, 256)), ((106, 150), (256, 362)),
    ((300, 299), (256, 256)), ((1000, 256), (1000, 256)), ((1, 1), (256, 256)), ((640, 480), (341, 256))])
def test_the_longer_side_is_rounded_down_as_in_torchvision(size, expected):
    assert preprocessing.resized_size(*size, "shorter-side") == expected
    assert preprocessing.resized_size(*size, "square") == (256, 256)


@pytest.mark.parametrize("width, left", [(256, 16), (341, 58), (257, 16), (259, 18), (224, 0)])
def test_the_centre_crop_rounds_halves_to_even_as_in_torchvision(width, left):
    assert preprocessing.centre_box(width, 256) == (left, 16, left + 224, 240)


def test_an_evaluation_image_is_the_middle_of_the_resized_image():
    image = picture(512, 512)
    small = np.asarray(image.resize((256, 256), Image.Resampling.BILINEAR))
    for scaling in preprocessing.SCALINGS:
        assert (preprocessing.evaluation_image(image, scaling) == small[16:240, 16:240].transpose(2, 0, 1)).all()


def test_the_whole_image_is_squeezed_as_in_the_paper_or_its_shorter_side_scaled_as_in_torchvision(tmp_path):
    folder = tmp_path / "tree" / FISH
    folder.mkdir(parents=True)
    wide = picture(512, 256)
    (folder / "wide.png").write_bytes(encoded(wide, "PNG"))
    squeezed = np.asarray(wide.resize((256, 256), Image.Resampling.BILINEAR))[16:240, 16:240]
    expected = {"square": squeezed, "shorter-side": np.asarray(wide)[16:240, 144:368]}
    for scaling in preprocessing.SCALINGS:
        build(tmp_path / "tree", tmp_path / scaling, cache=scaling == "square", scaling=scaling)
        image = imagenet_index.read_index(tmp_path / scaling).evaluation_image("val", 0)
        assert (image == expected[scaling].transpose(2, 0, 1)).all()
    assert build(tmp_path / "tree", tmp_path / "default")[0]["scaling"] == "square"
    assert imagenet.SCALINGS == preprocessing.SCALINGS
    with pytest.raises(DataError, match=r"\(scaling differ\)"):
        build(tmp_path / "tree", tmp_path / "default", scaling="shorter-side")


def test_more_classes_than_labels_can_tell_apart_are_refused_at_once(tmp_path):
    folder = tmp_path / "tree" / FISH
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(encoded(picture(), "PNG"))
    (tmp_path / "classes.txt").write_text("".join(f"n{number:08d}\n" for number in range(65536)) + f"{FISH}\n")
    with pytest.raises(DataError, match="65537 classes are more than the 65536"):
        build(tmp_path / "tree", tmp_path / "index", class_file=tmp_path / "classes.txt")


def test_an_index_made_before_there_was_a_choice_keeps_its_scaling(tmp_path):
    folder = tmp_path / "tree" / FISH
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(encoded(picture(512, 256), "PNG"))
    build(tmp_path / "tree", tmp_path / "index", scaling="shorter-side")
    path = tmp_path / "index/imagenet.json"
    description = {key: value for key, value in json.loads(path.read_text()).items() if key not in ("scaling", "digest")}
    path.write_text(json.dumps(description))
    assert imagenet_index.read_index(tmp_path / "index").scaling == "shorter-side"
    assert build(tmp_path / "tree", tmp_path / "index", scaling="shorter-side")[1] is False
    path.write_text(json.dumps({**description, "scaling": "round"}))
    with pytest.raises(DataError, match="damaged: scaling"):
        imagenet_index.read_index(tmp_path / "index")


def test_random_boxes_have_the_stated_areas_and_ratios_and_lie_inside():
    uniforms = np.random.default_rng(0).random((4000, preprocessing.UNIFORMS))
    boxes = np.array([preprocessing.random_box(450, 450, row) for row in uniforms])
    left, top, right, bottom = boxes.T
    assert (left >= 0).all() and (top >= 0).all() and (right <= 450).all() and (bottom <= 450).all()
    area, ratio = (right - left) * (bottom - top) / 450 ** 2, (right - left) / (bottom - top)
    assert 0.078 < area.min() < 0.09 and area.max() <= 1.0
    assert 0.74 < ratio.min() < 0.76 and 1.32 < ratio.max() < 1.35
    assert abs(np.median(np.log(ratio))) < 0.03
    assert left.min() == 0 and right.max() == 450 and top.min() == 0 and bottom.max() == 450


def test_a_random_box_by_hand():
    uniforms = np.full(preprocessing.CROP_UNIFORMS, 0.5)
    uniforms[:2] = (0.25 - 0.08) / 0.92, 0.5  # a quarter of 400 x 300, ratio 1: sides sqrt(30000) = 173.2
    uniforms[-2:] = 0.5, 0.25  # 0.5 of 228 places and 0.25 of 128
    assert preprocessing.random_box(400, 300, uniforms) == (114, 32, 114 + 173, 32 + 173)
    uniforms[:4] = 1.0, 1.0, (0.12 - 0.08) / 0.92, 0.0  # all of 300 x 300 at 4/3 is too wide; then 90 x 120
    assert preprocessing.random_box(300, 300, uniforms) == (105, 45, 105 + 90, 45 + 120)


@pytest.mark.parametrize("size, box", [((1000, 100), (433, 0, 566, 100)), ((100, 1000), (0, 433, 100, 566)),
                                       ((1, 1), (0, 0, 1, 1))])
def test_an_image_that_no_try_fits_gives_its_middle(size, box):
    assert preprocessing.random_box(*size, np.full(preprocessing.UNIFORMS, 0.99)) == box


def test_the_last_uniform_mirrors():
    image, uniforms = picture(), np.full(preprocessing.UNIFORMS, 0.6)
    straight = preprocessing.training_image(image, uniforms)
    uniforms[-1] = 0.4
    assert (preprocessing.training_image(image, uniforms) == straight[:, :, ::-1]).all()


def test_grey_images_have_three_equal_channels(tree):
    grey = preprocessing.evaluation_image(open_rgb(tree / f"val/{FISH}/grey.JPEG"), "square")
    assert (grey[0] == grey[1]).all() and (grey[1] == grey[2]).all()


def test_cmyk_is_converted_to_nearly_the_same_colours(tmp_path):
    path = tmp_path / "cmyk.jpg"
    picture(mode="CMYK").save(path, quality=100, subsampling=0)
    difference = np.abs(np.asarray(open_rgb(path), int) - np.asarray(picture(), int))
    assert difference.max() <= 2


def test_damaged_images_never_end_in_another_exception(tmp_path):
    generator = np.random.default_rng(0)
    for form in ("JPEG", "PNG"):
        data = np.frombuffer(encoded(picture(40, 40), form), np.uint8)
        for _ in range(40):
            damaged = data[:generator.integers(1, len(data) + 1)].copy()
            damaged[generator.integers(0, len(damaged), 5)] ^= generator.integers(1, 256, 5, np.uint8)
            path = tmp_path / "image"
            path.write_bytes(damaged.tobytes())
            for read in (inspect_image, open_rgb):
                try:
                    read(path)
                except BrokenImage as failure:
                    assert str(failure)


def test_a_tree_with_odd_names_is_indexed(tmp_path):
    folder = tmp_path / "tree" / FISH
    folder.mkdir(parents=True)
    for name in ("ä ö 鱼.JPEG", "a'b\"c.jpeg", "-x.JPG", " .JPEG"):
        (folder / name).write_bytes(encoded(picture()))
    build(tmp_path / "tree", tmp_path / "index")
    index = imagenet_index.read_index(tmp_path / "index")
    assert all(index.path("val", row).is_file() for row in range(4))


def test_the_sample_of_real_images_is_indexed(shared_data, command, tmp_path):
    done = command("imagenet", "--from", shared_data / "imagenet_sample", "--out", "index", "--cache")
    assert done.returncode == 0 and "25 classes, 25 images in val indexed" in done.stderr
    assert "1 tiny: n03825788/" in done.stderr
    index = imagenet_index.read_index(tmp_path / "index")
    assert index.splits["val"].labels.tolist() == list(range(25))


@pytest.mark.peers
def test_preprocessing_equals_torchvision(shared_data):
    try:
        from torchvision import transforms
    except (ImportError, RuntimeError) as error:  # the second: built for another torch
        pytest.skip(f"torchvision cannot be imported: {error}")
    reference = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224)])
    for path in sorted((shared_data / "imagenet_sample").glob("*/*")):
        image = open_rgb(path)
        assert (preprocessing.evaluation_image(image, "shorter-side") == np.asarray(reference(image)).transpose(2, 0, 1)).all()
