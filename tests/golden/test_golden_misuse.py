"""Implementations that break the rules of `python -m refpcm.golden`: none passes by accident, none ends the command."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from refpcm.golden.junit import junit_xml
from refpcm.golden.kit import Kit
from refpcm.golden.kit_writing import write_kit
from tests.commands import command

HEAD = "import sys\nimport numpy as np\n\n\ndef drifted(inputs, parameters):\n    "
ANSWERS = {"sys.exit(0)": "raised SystemExit: 0",
           "return {'g_drift_us': [[1], [2, 3]]}": "raised ValueError",
           "return {1: 2, 'x': 3}": "unknown names 1, x were",
           "return {'g_drift_us': None}": "not returned",
           "return [1, 2]": "returned list, not a dict of arrays",
           "pass": "returned NoneType, not a dict of arrays",
           "return 1 / 0": "raised ZeroDivisionError",
           "import asyncio; raise asyncio.CancelledError('no more')": "raised CancelledError: no more",
           "return {'g_drift_us': type('T', (), {'__array__': lambda *a, **k: 1 / 0})()}": "raised ZeroDivisionError"}
MODULES = {"import sys; sys.exit(0)": "SystemExit", "def (": "SyntaxError", "1 / 0": "division by zero",
           "raise BaseException('panic')": "BaseException: panic",
           "x = 1": "no function named like an operation", "drifted = 1": "no function named like an operation"}
RIGHT = "from refpcm.golden import reference\n    return reference.drifted(inputs, parameters)"
PROGRAMS = {"printf '\\377' >&2; exit 3": "exit status 3", "rm -r \"$3\"": "no such file",
            "kill -9 $$": "ended by signal 9 (SIGKILL)", "echo first; echo last; exit 3": "exit status 3: \n    first\n    last\n",
            "echo out; echo err >&2; exit 3": "exit status 3: err",
            "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo; echo last >&2; exit 3": "exit status 3: xxx",
            "seq 20 >&2; exit 3": "exit status 3: " + "".join(f"\n    {line}" for line in range(11, 21)) + "\n",
            "printf 'a\\033[31mb' >&2; exit 3": "exit status 3: a\\x1b[31mb",
            "truncate -s 50G \"$3/outputs.safetensors\"": "outputs.safetensors has 53687091200 bytes",
            "head -c 3000000 /dev/zero | tr '\\0' '\\n'; echo last; exit 3": "exit status 3: last"}
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """A kit of three cases, which is verified quickly. It is not a released one: for what does not end in status 0."""
    folder = tmp_path_factory.mktemp("kits") / "few"
    write_kit(folder, [case for case in Kit().cases if case.id in ("L1-map", "L1-drift-25s", "L6-weight-noise")], {})
    return folder


def check(*arguments, cwd, **options):
    return command("refpcm.golden", "check", "--case", "L1-drift-25s", *arguments, cwd=cwd, **options)


@pytest.mark.parametrize("body", ANSWERS)
def test_an_adapter_that_answers_nonsense_fails_with_the_reason(body, kit, tmp_path):
    (tmp_path / "mine.py").write_text(HEAD + body + "\n")
    done = check("--kit", kit, "--adapter", "mine", cwd=tmp_path)
    assert done.returncode == 1 and ANSWERS[body] in done.stdout and "Traceback" not in done.stderr


@pytest.mark.parametrize("content", MODULES)
def test_an_adapter_that_cannot_be_one_is_refused(content, kit, tmp_path):
    (tmp_path / "mine.py").write_text(content + "\n")
    done = check("--kit", kit, "--adapter", "mine", cwd=tmp_path)
    assert done.returncode == 2 and MODULES[content] in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("head", ["sys.path[:] = [p for p in sys.path if p]",
                                  "import warnings; warnings.simplefilter('error'); np.seterr(all='raise')"])
def test_an_adapter_may_change_its_interpreter(head, tmp_path):
    (tmp_path / "mine.py").write_text(f"import sys\nimport numpy as np\n{head}\n\n" + HEAD + RIGHT + "\n")
    done = check("--adapter", "mine", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("id, name, value", [
    ("L1-drift-25s", "g_drift_us", "inf"), ("L6-weight-noise", "noisy", "1e300")])
def test_warnings_that_an_adapter_made_errors_do_not_end_the_comparison(id, name, value, kit, tmp_path):
    (tmp_path / "mine.py").write_text(f"""
import os
import warnings
import numpy as np
from refpcm.golden.kit import Kit
warnings.simplefilter("error")
np.seterr(all="raise")
case, = [case for case in Kit(os.environ["REFPCM_KIT"]).cases if case.id == {id!r}]
globals()[case.operation] = lambda inputs, parameters: {{{name!r}: np.full(case.outputs[0].shape, float({value!r}))}}
""")
    done = command("refpcm.golden", "check", "--kit", kit, "--case", id, "--adapter", "mine", cwd=tmp_path)
    assert done.returncode == 1 and "first diverging tensor" in done.stdout and "Traceback" not in done.stderr


def test_a_module_in_the_place_of_an_operation_is_unsupported(kit, tmp_path):
    (tmp_path / "mine.py").write_text("import sys as drifted\n\n\ndef map_weights(inputs, parameters):\n    pass\n")
    done = check("--kit", kit, "--adapter", "mine", cwd=tmp_path)
    assert "L1          0       0            1" in done.stdout


@pytest.mark.parametrize("name", ["", ".mine", "./mine", "mine.py", "nosuch"])
def test_a_name_that_is_no_module_is_refused(name, kit, tmp_path):
    (tmp_path / "mine.py").write_text(HEAD + "return {}\n")
    done = check("--kit", kit, "--adapter", name, cwd=tmp_path)
    assert done.returncode == 2 and "give the name of a module" in done.stderr


@pytest.mark.parametrize("script", PROGRAMS)
def test_a_program_that_dies_fails_with_the_reason(script, kit, tmp_path):
    (tmp_path / "mine.sh").write_text(script + "\n")
    done = check("--kit", kit, "--command", "sh mine.sh", cwd=tmp_path)
    assert done.returncode == 1 and PROGRAMS[script] in done.stdout and "Traceback" not in done.stderr


def test_a_program_gets_nothing_to_read(kit, tmp_path):
    (tmp_path / "mine.sh").write_text("read line && exit 4; exit 5\n")
    done = check("--kit", kit, "--command", "sh mine.sh", cwd=tmp_path, input="what the user types\n", env=ENVIRONMENT)
    assert done.returncode == 1 and "exit status 5" in done.stdout


def test_a_program_that_leaves_a_process_behind_is_judged_by_its_answer(kit, tmp_path, monkeypatch):
    """The process goes on writing into the folder that is about to be removed."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # for what is left of the folder
    (tmp_path / "mine.sh").write_text('(i=0; while [ $i -lt 5000 ]; do i=$((i + 1)); echo > "$3/$i"; done) '
                                      '>/dev/null 2>&1 &\nwhile [ ! -e "$3/500" ]; do :; done\n')
    done = check("--kit", kit, "--command", "sh mine.sh", cwd=tmp_path)
    assert done.returncode == 1 and "never written" in done.stdout and "error" not in done.stderr


def ended(pidfile):
    """Whether the process whose number the file holds ends within 10 seconds."""
    for _ in range(200):
        try:
            os.kill(int(pidfile.read_text()), 0)
        except ProcessLookupError:
            return True
        state = Path("/proc") / pidfile.read_text().strip() / "stat"
        if state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z":  # ended, and nobody asks for it
            return True
        time.sleep(0.05)
    return False


HANGING = 'sleep 60 &\necho $! > child; echo $$ > self; wait\n'


def test_a_program_that_hangs_is_stopped_with_all_it_started(kit, tmp_path):
    (tmp_path / "mine.sh").write_text(HANGING)
    done = check("--kit", kit, "--command", "sh mine.sh", "--time-limit", "0.5s", cwd=tmp_path, timeout=50)
    assert done.returncode == 1 and "no answer within 0.5 s" in done.stdout
    assert ended(tmp_path / "self") and ended(tmp_path / "child")


@pytest.mark.parametrize("arguments, says", [
    (("--command", "true", "--time-limit", "0"), "is not a time"),
    (("--command", "true", "--time-limit", "nan"), "is not a time"),
    (("--self", "--time-limit", "9"), "is for --command")])
def test_a_time_limit_that_makes_no_sense_is_refused(arguments, says, kit, tmp_path):
    done = check("--kit", kit, *arguments, cwd=tmp_path)
    assert done.returncode == 2 and says in done.stderr


def interrupted(kit, tmp_path, *arguments):
    """(exit status, stdout, stderr, report) of a check of L1-map and L1-drift-25s that gets Ctrl-C once self exists."""
    process = subprocess.Popen(
        [sys.executable, "-m", "refpcm.golden", "check", "--kit", str(kit), "--case", "L1-map", "L1-drift-25s", "--report",
         "report.json", *arguments], cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True)
    try:
        deadline = time.monotonic() + 50
        while not (tmp_path / "self").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    return process.returncode, out, err, json.loads((tmp_path / "report.json").read_text())


def test_ctrl_c_names_the_case_and_keeps_what_was_found(kit, tmp_path):
    (tmp_path / "mine.py").write_text("import time\nfrom pathlib import Path\nfrom refpcm.golden.reference import map_weights\n"
                                      + HEAD + "Path('self').touch()\n    time.sleep(60)\n")
    status, out, err, report = interrupted(kit, tmp_path, "--adapter", "mine")
    assert status == 130 and "1 of 2 cases, 1 passed, 0 failed" in out and "interrupted in case L1-drift-25s" in err
    assert report["interrupted"] == "L1-drift-25s" and [case["id"] for case in report["cases"]] == ["L1-map"]
    suite = ElementTree.fromstring(junit_xml(report))
    assert suite.get("tests") == "2" and suite.get("failures") == "1"
    assert "interrupted in case L1-drift-25s" in suite.find("testcase/failure").get("message")
    assert ("interrupted", "L1-drift-25s") in [(each.get("name"), each.get("value")) for each in suite.iter("property")]


def test_ctrl_c_stops_the_program_that_is_asked(kit, tmp_path):
    (tmp_path / "mine.sh").write_text('[ "$1" = L1-map ] && exit 77\n' + HANGING)
    status, out, err, _ = interrupted(kit, tmp_path, "--command", "sh mine.sh")
    assert status == 130 and "1 of 2 cases, 0 passed" in out and "interrupted in case L1-drift-25s" in err
    assert ended(tmp_path / "self") and ended(tmp_path / "child")


def test_a_terminal_shows_which_case_is_being_asked(kit, tmp_path):
    pty = pytest.importorskip("pty", reason="a system without terminals of this kind")
    (tmp_path / "mine.sh").write_text("sleep 0.3; exit 77\n")
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-m", "refpcm.golden", "check", "--kit", str(kit), "--case", "L1-map", "L1-drift-25s",
                    "--command", "sh mine.sh"], cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=theirs)
    said = os.read(ours, 4096).decode()
    os.close(ours)
    os.close(theirs)
    assert "case 1/2" in said and "L1-drift-25s" in said


def test_a_crash_of_the_process_shows_where(kit, tmp_path):
    (tmp_path / "mine.py").write_text(HEAD + "import ctypes; ctypes.string_at(0)\n")
    done = check("--kit", kit, "--adapter", "mine", cwd=tmp_path)
    assert done.returncode < 0 and "in drifted" in done.stderr


def test_an_open_quotation_is_refused(kit, tmp_path):
    done = check("--kit", kit, "--command", "'mine", cwd=tmp_path)
    assert done.returncode == 2 and "close the quotation" in done.stderr


@pytest.mark.parametrize("report", ["no/such/folder.json", "."])
def test_a_report_that_cannot_be_written_is_refused_before_the_check(report, kit, tmp_path):
    done = check("--kit", kit, "--self", "--report", report, cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == "" and "cannot write" in done.stderr


def test_the_last_line_counts_what_passed(tmp_path):
    assert "1 case, 1 passed, 0 failed" in check("--self", cwd=tmp_path).stdout
