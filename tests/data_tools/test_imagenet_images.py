"""data_tools.imagenet_images: JPEG and PNG of 8 bits a channel, within a budget; everything else is named and left out."""

import io
import os
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from data_tools.imagenet_images import FORMATS, BrokenImage, inspect_image, open_rgb

READERS = [inspect_image, open_rgb]


def encoded(form, mode="RGB", size=(40, 30), **options):
    buffer = io.BytesIO()
    Image.new(mode, size, 77).save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("form, name", [("EPS", "EPS"), ("GIF", "GIF"), ("WEBP", "WebP"), ("BMP", "BMP"), ("TIFF", "TIFF"),
                                        ("PPM", "no image of a known form"), ("TGA", "no image"), ("PDF", "PDF")])
def test_other_formats_are_refused_by_name_whatever_the_file_is_called(tmp_path, read, form, name):
    (tmp_path / "a.JPEG").write_bytes(encoded(form))
    with pytest.raises(BrokenImage, match=f"{name}.*only JPEG and PNG are read"):
        read(tmp_path / "a.JPEG")


def test_no_other_program_is_started_for_an_image(tmp_path, monkeypatch):
    """Pillow hands EPS files to Ghostscript."""
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *arguments, **options: pytest.fail("Ghostscript was started"))
    (tmp_path / "a.JPEG").write_bytes(encoded("EPS"))
    for read in READERS:
        with pytest.raises(BrokenImage):
            read(tmp_path / "a.JPEG")


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("form", FORMATS)
def test_jpeg_and_png_are_read(tmp_path, read, form):
    (tmp_path / "image").write_bytes(encoded(form))
    read(tmp_path / "image")


@pytest.mark.parametrize("read", READERS)
def test_sixteen_bits_a_channel_are_left_out_and_said(tmp_path, read):
    grey = np.full((30, 40), 30_000, np.uint16)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    with pytest.raises(BrokenImage, match="16 bits a channel; only 8 are read"):
        read(tmp_path / "grey.png")


@pytest.mark.parametrize("read", READERS)
def test_twelve_bits_in_a_jpeg_are_left_out_and_said(tmp_path, read):
    content = bytearray(encoded("JPEG"))
    content[content.index(b"\xff\xc0") + 4] = 12
    (tmp_path / "a.JPEG").write_bytes(content)
    with pytest.raises(BrokenImage, match="12 bits a channel; only 8 are read"):
        read(tmp_path / "a.JPEG")


def png_claiming(width, height):
    """A PNG of one colour of so many pixels, 1 bit each: 1,000 pixels or more a byte."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = zlib.compress((b"\0" + bytes(width // 8)) * height, 9)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
            + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


@pytest.mark.filterwarnings("ignore:Image size")
@pytest.mark.parametrize("read", READERS)
def test_a_small_file_of_very_many_pixels_is_left_out_before_it_is_decoded(tmp_path, read):
    (tmp_path / "a.png").write_bytes(png_claiming(12_000, 12_000))
    began = time.process_time()
    with pytest.raises(BrokenImage, match="12000 x 12000 pixels, which is too much for a file of"):
        read(tmp_path / "a.png")
    assert time.process_time() - began < 0.5
    (tmp_path / "b.png").write_bytes(png_claiming(2000, 2000))
    read(tmp_path / "b.png")


@pytest.mark.parametrize("read", READERS)
def test_a_jpeg_of_endless_scans_is_left_out(tmp_path, read):
    """The last scan of a progressive JPEG, 2,000 times."""
    content = encoded("JPEG", size=(1600, 1600), progressive=True)
    last = content[content.rindex(b"\xff\xda"):-2]
    (tmp_path / "a.JPEG").write_bytes(content[:-2] + last * 2000 + b"\xff\xd9")
    with pytest.raises(BrokenImage, match="more than 100 scans"):
        read(tmp_path / "a.JPEG")


@pytest.mark.parametrize("read", READERS)
def test_a_pipe_is_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "a.JPEG")
    with pytest.raises(BrokenImage, match="not a regular file"):
        read(tmp_path / "a.JPEG")
