"""All readers that are fuzzed: each module of fuzzing_*.py puts its own into TARGETS when it is imported."""

from tests.files import fuzzing_configurations, fuzzing_digests, fuzzing_kit, fuzzing_runs  # noqa: F401
from tests.files.fuzzing_targets import TARGETS  # noqa: F401
