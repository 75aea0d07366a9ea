"""Equations of `refpcm/spec/nn`, `resnet.py` and `network.py`."""

from tests.docs.equations.table import Equation

THEME = "Networks"
SYMBOLS = {
    "size, kernel, stride, padding": ("of an image, a window, its step, and the border of zeros", "pixels"),
    "x": ("input of a layer (N, C, H, W), of a linear layer (N, D)", "1"),
    "w": ("weights: (K, C, kernel, kernel), of a linear layer (M, D)", "1"),
    "out": ("output of a layer", "1"),
    "L": ("loss", "1"),
    "dout, dx, dw": ("derivatives of L by out, x, w (dgamma and the like in the same way)", "1"),
    "col": ("im2col matrix of an image: a column is the window of one output pixel", "1"),
    "gamma, beta": ("scale and shift of a channel", "1"),
    "mu, var": ("mean and biased variance of a channel over (N, H, W) of the batch", "1"),
    "epsilon": ("1e-5", "1"),
    "x_hat": ("normalised input", "1"),
    "n": ("number of values of a channel in the batch", "1"),
    "running": ("running mean or variance of a channel", "1"),
    "momentum": ("weight of the new batch, 0.1", "1"),
    "a, b": ("the two inputs of a residual addition: main path and shortcut", "1"),
    "c0, C, C_out": ("channels of zeros in front, of the input, of the output", "1"),
    "H, W": ("rows and columns of the input", "pixels"),
    "bias": ("of each output of the linear layer", "1"),
    "N, M": ("images in the batch, classes", "1"),
    "p, q": ("softmax of the logits; target", "1"),
    "s": ("label smoothing", "1"),
    "logits": ("output of the last layer (N, M)", "1"),
    "eta": ("standard deviation of the noise over the largest magnitude", "1"),
    "z": ("standard normal number", "1"),
    "h": ("step of the numeric derivative, 1e-5", "1"),
    "fan_in": ("inputs of one output: C kernel^2, of a linear layer D", "1"),
    "f_l": ("the layer that writes tensor l, from the tensors named as its inputs", "1"),
    "v_l": ("tensor l; v of the input is the image", "1"),
}
IOFFE = "Ioffe and Szegedy 2015"
HE = "He et al. 2016"
PYTORCH = "as in PyTorch"
CHAIN_RULE = "derived: chain rule"

EQUATIONS = (
    Equation(
        8, "Size of an output", "size_out = floor((size + 2 padding - kernel) / stride) + 1",
        "size, kernel, stride, padding", PYTORCH, ("nn.conv2d.output_size",), (), "networks"),
    Equation(
        9, "Convolution", """
        out[n, k, i, j] = sum over c, r, s of  x[n, c, stride i + r - padding, stride j + s - padding] w[k, c, r, s]
        as a product of matrices: out[n] = w col[n], w as (K, C kernel^2)""",
        "x|w|out|col|size, kernel, stride, padding", "cross-correlation, as in every framework",
        ("nn.conv2d.conv2d_forward", "nn.conv2d.im2col"), ("nn.conv2d.conv2d_forward", "kernels.convolution.convolve"), "networks"),
    Equation(
        10, "Convolution, backward", """
        dw = sum over n of  dout[n] col[n]^T
        dx = im2col^T(w^T dout), w without noise unless asked otherwise (I-2)""",
        "dout, dx, dw|col|w", CHAIN_RULE + "; I-2: Joshi et al. 2020, Methods C",
        ("nn.conv2d.conv2d_backward", "nn.conv2d.add_windows"),
        ("nn.conv2d.conv2d_backward", "kernels.convolution.input_gradient", "kernels.convolution.weight_gradient_of"), "networks"),
    Equation(
        11, "Batch norm in training", """
        mu = mean(x), var = mean((x - mu)^2) over (N, H, W)
        x_hat = (x - mu) / sqrt(var + epsilon),   out = gamma x_hat + beta""",
        "x|mu, var|epsilon|x_hat|gamma, beta|out", IOFFE + "; mean and variance of AdaBS, too (Joshi et al. 2020, Methods F)",
        ("nn.batch_norm.batch_norm_training",), ("nn.batch_norm.batch_norm_training", "network.forward.batch_norm"), "networks"),
    Equation(
        12, "Batch norm in training, backward", """
        dbeta = sum(dout), dgamma = sum(dout x_hat) over (N, H, W)
        dx = gamma / sqrt(var + epsilon) (dout - mean(dout) - x_hat mean(dout x_hat))""",
        "dout, dx, dw|x_hat|mu, var|epsilon|gamma, beta", CHAIN_RULE,
        ("nn.batch_norm.batch_norm_backward",), ("nn.batch_norm.batch_norm_backward",), "networks"),
    Equation(
        13, "Batch norm in inference", """
        out = gamma (x - running mean) / sqrt(running variance + epsilon) + beta
        backward: the statistics are constants; dx = gamma / sqrt(running variance + epsilon) dout""",
        "x|out|gamma, beta|running|epsilon|dout, dx, dw", IOFFE,
        ("nn.batch_norm.batch_norm_inference", "nn.batch_norm.batch_norm_inference_backward"),
        ("nn.batch_norm.batch_norm_inference", "network.prepare.fold"), "networks"),
    Equation(
        14, "Running statistics in training", """
        running <- (1 - momentum) running + momentum batch
        batch: mu, or the unbiased variance var n / (n - 1)""",
        "running|momentum|mu, var|n", PYTORCH,
        ("nn.batch_norm.update_running", "nn.batch_norm.unbiased"), (), "networks"),
    Equation(
        15, "Rectified linear unit", "out = max(x, 0),   dx = dout where out > 0, else 0", "x|out|dout, dx, dw",
        "Joshi et al. 2020, Results A", ("nn.relu.relu_forward", "nn.relu.relu_backward"),
        ("nn.elementwise.relu_forward", "nn.elementwise.relu_backward"), "networks"),
    Equation(
        16, "Residual addition", "out = a + b,   da = db = dout", "a, b|out|dout, dx, dw", HE,
        ("nn.add.add_forward", "nn.add.add_backward"), ("nn.elementwise.add_forward",), "networks"),
    Equation(
        17, "Option-A shortcut", """
        out[n, c0 + c, i, j] = x[n, c, stride i, stride j] for c < C, 0 in all other channels
        c0 = floor((C_out - C) / 2) around the old channels, 0 with the new ones behind""",
        "x|out|c0, C, C_out|size, kernel, stride, padding", HE + ", section 4.2",
        ("nn.pad_shortcut.pad_shortcut_forward", "nn.pad_shortcut.pad_shortcut_backward", "layers.channels_before"),
        ("nn.pooling.pad_shortcut_forward", "nn.pooling.pad_shortcut_backward"), "networks"),
    Equation(
        18, "Average pooling", """
        out[n, c, i, j] = sum over r, s of  x[n, c, stride i + r, stride j + s] / kernel^2
        backward: dout / kernel^2 to every pixel of the window""",
        "x|out|size, kernel, stride, padding|dout, dx, dw", "as in every framework; for the golden kit alone, no network here has it",
        ("nn.pooling.average_pool_forward", "nn.pooling.average_pool_backward"), (), "networks"),
    Equation(
        19, "Global average pooling", "out[n, c] = sum over i, j of  x[n, c, i, j] / (H W),   dx[n, c, i, j] = dout[n, c] / (H W)",
        "x|out|H, W|dout, dx, dw", "Joshi et al. 2020, Fig. 1a",
        ("nn.pooling.global_average_pool_forward", "nn.pooling.global_average_pool_backward"),
        ("nn.pooling.global_average_pool_forward", "nn.pooling.global_average_pool_backward"), "networks"),
    Equation(
        20, "Max pooling", """
        out[n, c, i, j] = max over r, s of  x[n, c, stride i + r - padding, stride j + s - padding], -infinity outside the image
        backward: dout to the first of equal maxima in row-major order""",
        "x|out|size, kernel, stride, padding|dout, dx, dw", PYTORCH,
        ("nn.pooling.max_pool_forward", "nn.pooling.max_pool_backward"),
        ("nn.pooling.max_pool_forward", "nn.pooling.max_pool_backward"), "networks"),
    Equation(
        21, "Linear layer", """
        out = x w^T + bias
        dx = dout w, dw = dout^T x, dbias = sum over n of dout""",
        "x|w|bias|out|dout, dx, dw", "Joshi et al. 2020, Fig. 1a",
        ("nn.linear.linear_forward", "nn.linear.linear_backward"), ("nn.linear.linear_forward", "nn.linear.linear_backward"),
        "networks"),
    Equation(
        22, "Softmax cross entropy with label smoothing", """
        p_nm = exp(logits_nm) / sum over j of exp(logits_nj),   q = (1 - s) onehot + s / M
        L = -1/N sum over n, m of  q_nm ln p_nm,   dL/dlogits = (p - q) / N""",
        "logits|p, q|s|N, M|L", "Szegedy et al. 2016, section 7",
        ("nn.cross_entropy.cross_entropy",), (), "training"),
    Equation(
        23, "Noise on activations", "out = x + eta max|x| z, the maximum over the whole tensor; dx = dout", "x|out|eta|z|dout, dx, dw",
        "Joshi et al. 2020, Methods, as compared there; I-12: what eta is a share of", ("nn.noise.add_noise",),
        ("network.noise.add_normals",), "training"),
    Equation(
        24, "Numeric gradient", "dL/dx = (L(x + h) - L(x - h)) / (2 h), L = sum(f(x) dout), one element of x after the other",
        "x|h|L|dout, dx, dw", "central difference; it checks the backward pass of every operator", ("nn.gradient_check.numeric_gradient",), (),
        "networks"),
    Equation(
        25, "He-normal initialisation", "w = sqrt(2 / fan_in) z; gamma = 1, beta = bias = 0, running mean 0, running variance 1",
        "w|fan_in|z|gamma, beta|bias|running", "Joshi et al. 2020, Methods C; He et al. 2015",
        ("resnet.initial_parameters",), (), "networks"),
    Equation(
        26, "A network, forward and backward", """
        v_l = f_l(v of its inputs), in the order of the list
        dL/dv_j = sum over the layers l that read v_j of  (df_l / dv_j)^T dL/dv_l, in reverse order""",
        "v_l|f_l|L", CHAIN_RULE, ("network.forward", "network.backward"), ("network.engine.Engine",), "networks"),
)
