"""Seeded, label-aware steps that move or change the pixels of a variation, whichever engine made it.

The recipe's `geometry` is one of the presets (`presets`, `auto_geometry`); its `operations` are applied after it, each
one file of this package or of another (`base` says what an operation is).
"""

from augmentai.operations.apply import Applied, apply_operations, build_operations, replay_operations
from augmentai.operations.apply_warp import apply_warp
from augmentai.operations.base import DrawSettings, Operation, OperationError, OperationSkippedError
from augmentai.operations.borrowing import BorrowingOperation
from augmentai.operations.donor import Donor, DonorError
from augmentai.operations.donors import NOBODY, DonorPool, Donors, borrowed_from
from augmentai.operations.parameters import Number, Range, parameter
from augmentai.operations.presets import warp_for
from augmentai.operations.warp import Warp, warp_from_manifest

__all__ = [
    "NOBODY",
    "Applied",
    "BorrowingOperation",
    "Donor",
    "DonorError",
    "DonorPool",
    "Donors",
    "DrawSettings",
    "Number",
    "Operation",
    "OperationError",
    "OperationSkippedError",
    "Range",
    "Warp",
    "apply_operations",
    "apply_warp",
    "borrowed_from",
    "build_operations",
    "parameter",
    "replay_operations",
    "warp_for",
    "warp_from_manifest",
]

# Read by `augmentai.registry`; nothing is imported until an operation is used.
BUILT_IN = {
    "flip": "augmentai.operations.flip:Flip",
    "crop": "augmentai.operations.crop:Crop",
    "rotate": "augmentai.operations.rotate:Rotate",
    "perspective": "augmentai.operations.perspective:Perspective",
    "turn90": "augmentai.operations.turn90:Turn90",
    "exposure": "augmentai.operations.exposure:Exposure",
    "white_balance": "augmentai.operations.white_balance:WhiteBalance",
    "vignette": "augmentai.operations.vignette:Vignette",
    "shadow": "augmentai.operations.shadow:Shadow",
    "glare": "augmentai.operations.glare:Glare",
    "dirt": "augmentai.operations.dirt:Dirt",
    "motion_blur": "augmentai.operations.motion_blur:MotionBlur",
    "defocus_blur": "augmentai.operations.defocus_blur:DefocusBlur",
    "noise": "augmentai.operations.noise:Noise",
    "jpeg": "augmentai.operations.jpeg:Jpeg",
    "downscale": "augmentai.operations.downscale:Downscale",
    "rain": "augmentai.operations.rain:Rain",
    "snow": "augmentai.operations.snow:Snow",
    "fog": "augmentai.operations.fog:Fog",
    "erase": "augmentai.operations.erase:Erase",
    "background": "augmentai.operations.background:Background",
    "copy_paste": "augmentai.operations.copy_paste:CopyPaste",
    "mosaic": "augmentai.operations.mosaic:Mosaic",
}
