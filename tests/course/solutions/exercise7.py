"""Exercise 7: the update of AdaBS."""


def adabs_update(inputs, parameters):
    p = 0.015 ** (1 / parameters["batches"])
    mean, var = inputs["running_mean"], inputs["running_var"]
    for batch_mean, batch_var in zip(inputs["batch_mean"], inputs["batch_var"]):
        mean, var = p * mean + (1 - p) * batch_mean, p * var + (1 - p) * batch_var
    return {"running_mean": mean, "running_var": var}
