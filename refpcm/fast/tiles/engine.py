"""A network on tiles on the fast kernels: the fast form of `refpcm.spec.network_on_tiles.EngineOnTiles`."""

from dataclasses import dataclass

import numba
import numpy as np

from refpcm.errors import RefpcmError
from refpcm.fast.kernels import elementwise, layout
from refpcm.fast.kernels.finish import AFFINE, finish
from refpcm.fast.kernels.layout import LANES, Plane
from refpcm.fast.network.engine import Context, Engine
from refpcm.fast.threads import run_tasks
from refpcm.fast.tiles.layout import lane_tiles
from refpcm.fast.tiles.noise import lane_normals
from refpcm.fast.tiles.product import NO_NOISE, buffer, lane_product
from refpcm.spec import random
from refpcm.spec.crossbars import analog_layers, check_matrices
from refpcm.spec.network_on_tiles import layer_inputs, window
from refpcm.spec.pcm.tile import count

ONE_PIXEL = Plane(1, 1, 0)


class EngineOnTiles(Engine):
    """A network on tiles with the interface of `refpcm.fast.network.engine.Engine`, forward only.

    Images are numbered on from `next_image`, which the caller may set. The logits of an image depend neither on the
    batch it comes in nor on the number of threads. saturation: {layer name: Saturation} to add to, or None; of a
    layer's inputs every pixel counts once, padding not.
    Raises RefpcmError for a network without a fast form, and for matrices that do not fit it.
    """

    @property
    def images_at_once(self):
        """A group for each thread, so that activations and noise stay in the caches."""
        return LANES * max(2, numba.get_num_threads())

    def __init__(self, network, analog, next_image=0, saturation=None):
        super().__init__(network, "direct")  # for the layers beside the tiles
        check_matrices(network, analog.matrices)
        self.analog, self.next_image, self.saturation = analog, next_image, saturation
        self._on_tiles = {layer.name: (number, lane_tiles(
            analog.matrices[layer.name], *window(layer), analog.tiles, analog.ranges[layer.name],
            analog.w_max[layer.name], analog.variances.get(layer.name)))
            for number, layer in analog_layers(network) if layer.name in analog.matrices}

    def forward_each(self, variants, images):
        raise RefpcmError("the matrices on tiles belong to the engine; make one for each variant of the network")

    def backward(self, parameters, dlogits):
        raise RefpcmError("a network on tiles has no backward pass; use refpcm.fast.network.engine.Engine")

    def _context(self, parameters, buffers, *others):
        first_image, self.next_image = self.next_image, self.next_image + buffers.images
        return _Context(**vars(super()._context(parameters, buffers, *others)), analog=self.analog,
                        on_tiles=self._on_tiles, first_image=first_image, saturation=self.saturation)


@dataclass(kw_only=True)
class _Context(Context):
    """on_tiles: {layer name: (number of the layer, LaneTiles)}; first_image: number of this pass's first image."""
    analog: object
    on_tiles: dict
    first_image: int
    saturation: dict

    def packing(self, step, scale):
        return None if step.conv.name in self.on_tiles else super().packing(step, scale)

    def convolve(self, step, prepared, out, epilogue):
        if step.conv.name not in self.on_tiles:
            return super().convolve(step, prepared, out, epilogue)
        return self._product(step.conv.name, self.buffers.values[step.source], self.shape(step.source)[1], prepared.scale, out,
                             self.shape(step.result)[1], epilogue)

    def linear(self, step, pooled):
        layer = step.linear
        if layer.name not in self.on_tiles:
            return super().linear(step, pooled)
        inputs = layer_inputs(layer, pooled)
        groups = layout.groups(len(pooled))
        x, out = (layout.empty_lanes(groups, channels, ONE_PIXEL) for channels in (inputs.shape[1], layer.out_features))
        run_tasks(elementwise.pack_images, groups * inputs.shape[1], inputs, x, ONE_PIXEL.grid)
        zeros, ones = (np.full(layer.out_features, value, np.float32) for value in (0, 1))
        self._product(layer.name, x, ONE_PIXEL, ones, out, ONE_PIXEL, finish(AFFINE, zeros, out))
        return layout.unpack(out, ONE_PIXEL, len(pooled))[:, :, 0, 0]

    def _product(self, name, x, x_plane, scale, out, plane, epilogue):
        number, tiles = self.on_tiles[name]
        images, sums_each = self.buffers.images, len(tiles.first) * tiles.columns * plane.height * plane.width
        read_noise, output_noise = (
            self._normals(purpose, number, sums_each) if wanted else NO_NOISE for purpose, wanted in
            ((random.Purpose.PRODUCT_READ_NOISE, len(tiles.variance)), (random.Purpose.OUTPUT_NOISE, tiles.sigma)))
        scale = (scale / self.analog.alphas.get(name, 1.0)).astype(np.float32)
        sums, inputs_beyond, sums_beyond = lane_product(
            self.chain, tiles, self.scratch, x, x_plane, read_noise, output_noise, scale, out, plane, epilogue,
            self.buffers.last_lanes)
        if self.saturation is not None:
            inputs = images * x.shape[1] * x_plane.height * x_plane.width
            count(self.saturation[name], self.analog.tiles, inputs, inputs_beyond, images * sums_each, sums_beyond)
        return sums

    def _normals(self, purpose, number, each):
        """Of all images and column sums of a layer: (G, each, 16)."""
        seed, chip, draw = self.analog.address
        out = buffer(self.scratch, purpose.name, (self.buffers.group_count, each, LANES))
        lane_normals(self.chain, seed, chip, purpose, number, draw, self.first_image, self.buffers.images, out)
        return out
