"""The golden kit's operations in terms of my_simulator. What is not here counts as unsupported."""

import my_simulator


def map_weights(inputs, parameters):
    return {"g_target_us": my_simulator.target_conductances(inputs["weights"], parameters["g_max_us"])}


def programmed(inputs, parameters):
    if parameters["device"] != "joshi2020":
        raise NotImplementedError("one device only here")
    return {"g_prog_us": my_simulator.programmed(inputs["g_target_us"], inputs["z"])}


def drifted(inputs, parameters):
    return {"g_drift_us": my_simulator.drifted(inputs["g_prog_us"], inputs["nu"], parameters["t_s"],
                                              parameters.get("t0_s", 20.0))}


def linear(inputs, parameters):
    x, w, dout = inputs["x"], inputs["w"], inputs["dout"]
    return {"out": my_simulator.matrix_product(x, w, inputs["bias"]), "dx": dout @ w, "dw": dout.T @ x,
            "dbias": dout.sum(0)}
