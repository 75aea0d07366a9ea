"""refpcm.spec.pcm.device, curve and device_file: published values, ranges, refusals."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.files.devices import find_device, make_device, read_device
from refpcm.spec.pcm.curve import curve_value, polynomial
from refpcm.spec.pcm.device import CROSSSIM_JOSHI, DEVICES, JOSHI2020, check, differences
from refpcm.spec.pcm.device_data import device_from_dict, device_to_dict

G = np.array([0.0, 0.02, 0.2, 0.5, 1.0])
CURVES = ("programming_us", "nu_mean", "nu_sigma", "read_noise")


def test_joshi2020_is_the_published_fit():
    with np.errstate(divide="ignore"):
        log_g = np.log(G)
        q_s = np.minimum(0.0088 / G ** 0.65, 0.2)
    expected = {"programming_us": 0.26348 + 1.9650 * G - 1.1731 * G ** 2,
                "nu_mean": np.clip(-0.0155 * log_g + 0.0244, 0.049, 0.1),
                "nu_sigma": np.clip(-0.0125 * log_g - 0.0059, 0.008, 0.045), "read_noise": q_s}
    for curve, value in expected.items():
        np.testing.assert_allclose(curve_value(getattr(JOSHI2020, curve), G), value, rtol=1e-14, err_msg=curve)


@pytest.mark.parametrize("devices, programming, sigma, q_s", [
    (1, (0.15781817, 2.32443916, -2.16310839, 0.68841818), lambda g: np.where(
        g < 0.3039, np.clip(-0.0120 * np.log(g) - 0.0023, 0.0124, 0.04), -0.0165 * g ** 2 + 0.0116 * g + 0.0104),
     lambda g: np.where(g < 0.1591, np.clip(-0.0078 * np.log(g) + 0.0038, 0.0179, 0.04),
                        0.0664 * g ** 3 - 0.1352 * g ** 2 + 0.0768 * g + 0.0088)),
    (2, (0.16603222, 4.71806468, -8.48101252, 4.68961419), lambda g: np.where(
        g < 0.3055, np.clip(-0.0117 * np.log(g) - 0.0057, 0.0091, 0.04), -0.0118 * g ** 2 + 0.0093 * g + 0.0073),
     lambda g: np.where(g < 0.16, np.clip(-0.0117 * np.log(g) - 0.0069, 0.015, 0.04),
                        0.0069 * g ** 3 - 0.0280 * g ** 2 + 0.0211 * g + 0.0123))])
def test_hermes_is_the_fit_of_aihwkit(devices, programming, sigma, q_s):
    g = np.array([0.001, 0.05, 0.0945, 0.12, 0.1591, 0.16, 0.25, 0.3039, 0.3055, 0.7, 1.0])
    device = find_device({1: "hermes-1", 2: "hermes"}[devices])
    mean = np.where(g < 0.0945, np.clip(-0.0387 * np.log(g) - 0.0182, 0.072, 0.13),
                    -0.0436 * g ** 2 - 0.0126 * g + 0.0736)
    expected = dict(zip(CURVES, (np.polynomial.polynomial.polyval(g, programming), mean, sigma(g), q_s(g))))
    for curve, value in expected.items():
        np.testing.assert_allclose(curve_value(getattr(device, curve), g), value, rtol=1e-13, err_msg=curve)


def test_crosssim_joshi_is_the_formula_of_crosssim():
    g_us = np.linspace(0, 25, 501)
    expected = {"programming_us": -0.00178767 * g_us ** 2 + 0.07585724 * g_us + 0.28638599,
                "nu_mean": np.maximum(-0.0045 * g_us + 0.08, np.minimum(0.06, np.maximum(-0.00169 * g_us + 0.0825,
                                                                                         0.055))),
                "nu_sigma": 1 / (8 * g_us + 30.0320), "read_noise": 0 * g_us}
    for curve, value in expected.items():
        np.testing.assert_allclose(curve_value(getattr(CROSSSIM_JOSHI, curve), g_us / 25), value, rtol=1e-12,
                                   err_msg=curve)


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_survives_its_plain_form(name):
    import json
    plain = json.loads(json.dumps(device_to_dict(DEVICES[name]), allow_nan=False))
    assert device_from_dict(plain) == DEVICES[name]


@pytest.mark.parametrize("field, value", [
    ("g_max_us", 0.0), ("g_max_us", -5), ("g_max_us", 1e6), ("g_max_us", float("nan")), ("g_max_us", "25"),
    ("t0_s", 0), ("t_read_s", 0.0), ("t0_s", 1e-7), ("stuck_fraction", -0.1), ("stuck_fraction", 1.5),
    ("reset_device", "none"), ("read_noise_from", "drifted"), ("identity", True),
    ("programming_us", (polynomial(30.0),)), ("nu_mean", (polynomial(1.5),)), ("nu_mean", (polynomial(-0.1),)),
    ("nu_sigma", (polynomial(float("nan")),)), ("read_noise", (polynomial(2.0),)), ("nu_mean", ()),
    ("read_noise", (polynomial(0.1, below=0.5),))])
def test_parameters_outside_their_range_are_refused_by_name(field, value):
    with pytest.raises(RefpcmError, match=field):
        replace(JOSHI2020, **{field: value})


def test_unknown_devices_are_refused_with_the_known_ones():
    with pytest.raises(RefpcmError, match="joshi2020, aihwkit-pcm, hermes"):
        find_device("joshi2021")


def test_only_what_differs_is_told():
    assert differences(DEVICES["aihwkit-pcm"]) == {"name": "aihwkit-pcm", "read_noise_from": "programmed",
                                                   "identity": "collapsed"}
    check(JOSHI2020)


INF, NAN = float("inf"), float("nan")
USER = {"name": "mine", "based_on": "joshi2020", "g_max_us": 20.0, "programming_us": [0.3, 1.0],
        "drift": {"g_us": [0, 5, 20], "nu_mean": [0.1, 0.06, 0.05], "nu_sigma": [0.04, 0.01, 0.008]},
        "read_noise": {"factor": 0.01, "exponent": -0.5, "high": 0.1}}


def test_a_user_defined_device_has_the_given_values():
    device = make_device(USER)
    np.testing.assert_allclose(curve_value(device.nu_mean, [0.125, 0.625]), [0.08, 0.055])
    np.testing.assert_allclose(curve_value(device.programming_us, [0.5]), 0.8)
    np.testing.assert_allclose(curve_value(device.read_noise, [0.25, 1e-6]), [0.02, 0.1])
    assert device.t0_s == 20.0 and device.name == "mine"


def test_curves_of_a_user_defined_device_may_be_a_table_or_one_number():
    device = make_device({"name": "x", "based_on": "joshi2020", "programming": {"g_us": [0, 5, 25], "sigma_us": [0.2, 0.6, 1.0]},
                          "drift": {"nu_mean": 0.06, "nu_sigma": 0}})
    np.testing.assert_allclose(curve_value(device.programming_us, [0, 0.1, 0.6, 1]), [0.2, 0.4, 0.8, 1.0])
    np.testing.assert_array_equal(curve_value(device.nu_mean, G), 0.06)
    np.testing.assert_array_equal(curve_value(device.nu_sigma, G), 0.0)


def test_a_fit_of_the_programming_error_may_dip_below_zero_near_a_target_of_0():
    device = make_device({"name": "x", "based_on": "joshi2020", "programming_us": [-0.05, 1.0]})
    np.testing.assert_allclose(curve_value(device.programming_us, [0.5]), 0.45)


def test_only_the_curves_of_the_file_are_tried_at_its_g_max():
    """The programming error of joshi2020 reaches 1.06 uS, beyond this G_max."""
    device = make_device({"name": "x", "based_on": "joshi2020", "g_max_us": 0.9, "programming_us": [0.01]})
    assert device.g_max_us == 0.9 and device.programming_us == (polynomial(0.01),)
    quiet = make_device({"name": "x", "based_on": "joshi2020", "programming_us": [0, 0.0]})
    assert np.all(curve_value(quiet.programming_us, G) == 0)


def test_bounds_of_curves_may_be_infinite():
    device = make_device({**USER, "drift": {key: {"slope": 0, "offset": 0.05, "low": -INF, "high": INF} for key in
                                            ("nu_mean", "nu_sigma")},
                          "read_noise": {"factor": 0.01, "exponent": 0.5, "high": INF}})
    np.testing.assert_allclose(curve_value(device.nu_mean, G), 0.05)
    np.testing.assert_allclose(curve_value(device.read_noise, [0.25]), 0.005)


@pytest.mark.parametrize("change, said", [
    ({"gmax": 3}, "unknown key 'gmax'"), ({"name": None}, "name is missing"),
    ({"based_on": "x"}, "known are joshi2020"), ({"based_on": ["a"]}, "known are joshi2020"),
    ({"programming_us": []}, "programming_us"), ({"programming_us": 0.3}, "programming_us"),
    ({"programming_us": [1, 2, 3, 4, 5]}, "1 to 4 numbers"), ({"programming_us": ["a"]}, "numbers"),
    ({"programming_us": [-1.0]}, "negative over 100 %"), ({"programming_us": [0.2, -2.0]}, "negative over 90 %"),
    ({"name": 5}, "name must be text"), ({"adc_bits": 8}, "unknown key 'adc_bits': .* --adc-bits"),
    ({"g_max_us": 25e-6}, "less than a nanosiemens; is it in siemens"), ({"g_max_us": True}, "g_max_us must be a number"),
    ({"programming": {"g_us": [0, 20], "sigma_us": [0.2, 1]}}, "leave one out"),
    ({"programming_us": None, "programming": {"g_us": [0, 20]}}, "sigma_us is missing"),
    ({"programming_us": None, "programming": {"g_us": [0, 10], "sigma_us": [0.2, 1]}}, "programming.g_us .* g_max_us = 20"),
    ({"programming_us": None, "programming": {"g_us": [0, 20], "sigma_us": [0.2, -1]}}, "0 or more, not -1"),
    ({"programming_us": None, "programming": {"g_us": [0, 20], "sigma_us": [0.2]}}, "sigma_us must be a list of 2"),
    ({"drift": {"nu_mean": [0.1, 0.2], "nu_sigma": 0.01}}, "drift.g_us is missing: add"),
    ({"drift": {"nu_mean": "0.1", "nu_sigma": 0.01}}, "drift.nu_mean must be a number, not '0.1'"),
    ({"drift": {"nu_mean": 2, "nu_sigma": 0.01}}, "nu_mean runs from 2 to 2"),
    ({"drift": {**USER["drift"], "nu_mean": {"slope": 0, "offset": 0, "low": 0.1, "high": 0.05}}}, "low = 0.1 is above high"),
    ({"programming_us": [10 ** 400]}, "programming_us holds .* too large"), ({"g_max_us": 10 ** 400}, "g_max_us"),
    ({"stuck_fraction": -10 ** 400}, "stuck_fraction"),
    ({"programming_us": [0.3, INF]}, "programming_us must hold finite"), ({"programming_us": [NAN]}, "programming_us"),
    ({"drift": {**USER["drift"], "nu_mean": [0.1, NAN, 0.1]}}, "nu_mean must hold finite"),
    ({"drift": {**USER["drift"], "nu_mean": {"slope": INF, "offset": 0, "low": 0, "high": 1}}}, "drift.nu_mean"),
    ({"drift": {**USER["drift"], "nu_mean": {"slope": 0, "offset": 0, "low": NAN, "high": 1}}}, "drift.nu_mean"),
    ({"drift": {**USER["drift"], "g_us": [0, 5, NAN]}}, "drift.g_us must hold finite"),
    ({"read_noise": {"factor": 0.01, "exponent": NAN, "high": 0.1}}, "read_noise must hold finite"),
    ({"read_noise": {"factor": 0.01, "exponent": -0.5, "high": NAN}}, "read_noise must hold finite"),
    ({"drift": {"nu_mean": [0.1]}}, "nu_sigma is missing"),
    ({"drift": {**USER["drift"], "g_us": [0, 5, 10]}}, "reach from 0 to g_max_us"),
    ({"drift": {**USER["drift"], "g_us": [0, 5, 5]}}, "ascend"),
    ({"drift": {**USER["drift"], "nu_mean": [0.1, 0.2]}}, "list of 3 numbers"),
    ({"drift": {**USER["drift"], "nu_mean": {"slope": 1}}}, "offset is missing"),
    ({"drift": {**USER["drift"], "nu_sigma": [-0.1, 0.01, 0.01]}}, "nu_sigma runs from -0.1"),
    ({"read_noise": {"factor": 1}}, "exponent is missing"), ({"read_noise": 3}, "must be a table"),
    ({"g_max_us": 0}, "g_max_us"), ({"g_max_us": "20"}, "g_max_us"), ({"source": 3, "identity": "x"}, "identity"),
    ({"source": 3}, "source must be text"),
    ({"based_on": "joshi2020-transfer"}, "joshi2020-transfer has no use for drift, read_noise: its model has no such stage"),
    ({"based_on": "joshi2020-note2", "read_noise": None, "reset_device": "zero"}, "has no use for reset_device"),
    ({"based_on": "joshi2020-note2", "read_noise": None, "g_max_us": None, "t0_s": 60.0,
      "drift": {"nu_mean": 0.06, "nu_sigma": 0.01}}, "t0_s = 60 s: .* second error at 55.39 s")])
def test_a_wrong_user_defined_device_is_refused_by_key(change, said):
    values = {key: value for key, value in {**USER, **change}.items() if value is not None}
    with pytest.raises(RefpcmError, match=said):
        make_device(values)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is part of Python from 3.11 on")
def test_device_files_are_read_and_their_mistakes_carry_the_file_name(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nbased_on = "hermes"\nstuck_fraction = 0.01\n')
    assert find_device(str(path)).stuck_fraction == 0.01
    for text in ('name = "mine', 'name = "mine"\nbased_on = "hermes"\nstuck = 0.01\n', "a = " + 99_999 * "[",
                 "g_max_us = " + 5000 * "9", 'name = "mine"\nbased_on = "hermes"\ng_max_us = 0x' + 5000 * "f"):
        path.write_text(text)
        with pytest.raises(RefpcmError, match="mine.toml"):
            read_device(path)
    with pytest.raises(RefpcmError, match="nothing.toml"):
        read_device(tmp_path / "nothing.toml")
