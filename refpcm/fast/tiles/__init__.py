"""Networks on tiles: converters, noise and products for 16 images at once."""
