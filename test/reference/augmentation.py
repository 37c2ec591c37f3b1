"""Warps of a small image by Keras' own formulas (keras.preprocessing.image.apply_affine_transform) and scipy.ndimage,
and resizes by Pillow: writes augmentation.json and resizing.json. Needs numpy, scipy and pillow."""
import json
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

here = Path(__file__).parent


def picture(height, width):
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return ((x * 37 + y * 59 + c * 83 + x * y * 5) % 256).astype(np.uint8)


def centred(matrix, height, width):
    cy, cx = height / 2 - 0.5, width / 2 - 0.5
    to = np.array([[1, 0, cy], [0, 1, cx], [0, 0, 1.0]])
    back = np.array([[1, 0, -cy], [0, 1, -cx], [0, 0, 1.0]])
    return to @ matrix @ back


def keras_matrix(theta=0, tx=0, ty=0, shear=0, zx=1, zy=1):
    """tx and zx belong to rows, ty and zy to columns, as Keras names them; angles in degrees."""
    theta, shear = np.deg2rad(theta), np.deg2rad(shear)
    rotation = np.array([[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0], [0, 0, 1]])
    shift = np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1.0]])
    sheared = np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    zoom = np.array([[zx, 0, 0], [0, zy, 0], [0, 0, 1.0]])
    return rotation @ shift @ sheared @ zoom


def warp(image, parameters, mode, flip):
    height, width, _ = image.shape
    matrix = centred(keras_matrix(**parameters), height, width)
    # scipy's names for the same borders; "grid-constant" interpolates against the constant, as samplers on devices do.
    names = {"nearest": "nearest", "reflect": "reflect", "wrap": "grid-wrap", "constant": "grid-constant"}
    planes = [
        ndimage.affine_transform(image[..., c].astype(np.float64), matrix[:2, :2], matrix[:2, 2], order=1, mode=names[mode], cval=9.0)
        for c in range(3)
    ]
    out = np.stack(planes, axis=-1)
    return out[:, ::-1] if flip else out


cases = []
for mode in ["nearest", "reflect", "wrap", "constant"]:
    for parameters, flip in [
        (dict(theta=30), False),
        (dict(tx=1.5, ty=-2.25), True),
        (dict(shear=20, zx=0.8, zy=1.3), False),
        (dict(theta=-75, tx=2, ty=1, shear=-15, zx=1.2, zy=0.7), True),
    ]:
        values = warp(picture(5, 7), parameters, mode, flip)
        cases.append(dict(fillMode=mode, parameters=parameters, flip=flip, values=[round(v, 3) for v in values.ravel().tolist()]))
(here / "augmentation.json").write_text(json.dumps(dict(height=5, width=7, cval=9, cases=cases)))

resizes = []
for height, width, side, name, method in [
    (37, 53, 16, "bilinear", Image.BILINEAR),
    (53, 37, 16, "bicubic", Image.BICUBIC),
    (12, 10, 20, "bilinear", Image.BILINEAR),
    (16, 24, 16, "bicubic", Image.BICUBIC),
]:
    # torchvision's rule for the longer side.
    target = (int(side * width / min(height, width)), int(side * height / min(height, width)))
    resized = np.asarray(Image.fromarray(picture(height, width)).resize(target, method))
    top, left = (resized.shape[0] - side) // 2, (resized.shape[1] - side) // 2
    crop = resized[top : top + side, left : left + side]
    resizes.append(dict(height=height, width=width, side=side, interpolation=name, values=crop.ravel().tolist()))
(here / "resizing.json").write_text(json.dumps(resizes))
