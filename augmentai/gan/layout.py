"""The sizes of the local GAN, which training and running share. Loads nothing."""

from __future__ import annotations

ARCHITECTURE = "augmentai-gan-2"
STYLE_DIM = 64
CONTENT_DIM = 48
CELL_PX = 16  # one grid cell covers 16 x 16 pixels of the thumbnail
KNOTS = 6  # per tone curve, evenly spaced over luma 0..1
COEFFICIENTS = 9 + 3 * KNOTS + 1
LUMA_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's "L"
LUMA_QUANTILES = (0.02, 0.25, 0.5, 0.75, 0.98)  # of an image, from which its style is read

ENCODER_WIDTHS = (3, 32, 64, 96, 128)
STYLE_HIDDEN = 192
PAINTER_WIDTH, PAINTER_BLOCKS = 96, 4

MATRIX_RANGE = 0.9  # a matrix entry changes by at most this much in either direction,
TONE_RANGE = 0.7  # a knot of a tone curve by this much of full scale,
BLACK_RANGE = 0.3  # but the knot at black by no more than haze would lift it,
DETAIL_RANGE = 0.6  # and detail loses or gains at most this share of itself
