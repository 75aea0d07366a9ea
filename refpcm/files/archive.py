"""Zip files, the container of npz files and of today's PyTorch checkpoints, with refpcm's own exception."""

from data_tools import zip_file
from refpcm.files.reading import data_errors

read_archive = data_errors()(zip_file.read_zip)
member_names = data_errors()(zip_file.member_names)
