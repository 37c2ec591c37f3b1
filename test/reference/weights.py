"""Writes `weights/`: the same few tensors in every format that `src/weights` reads, their values in `tensors.json`, and files
that try to run something. PyTorch's files come from `torch.save`, HDF5 from h5py in the layout of Keras 2 (weights alone, whole model)
and from Keras 3 itself."""

import json
import os
from collections import OrderedDict
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
import h5py
import keras
import numpy
import torch
from safetensors.torch import save_file

folder = Path(__file__).parent / "weights"
folder.mkdir(exist_ok=True)
grid = torch.Generator().manual_seed(7)


def draw(*shape):
    """Multiples of 1/8 that bfloat16 and float16 hold exactly."""
    return torch.randint(-64, 64, shape, generator=grid).float() / 8


matrix = draw(4, 6)
tensors = OrderedDict(
    {
        "dense": draw(2, 3, 2),
        "transposed": matrix.T,
        "part": matrix[1:3, 2:5],
        "reversed_axes": draw(2, 3, 4).permute(2, 0, 1),
        "tied": matrix,
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(draw(5)),
        "half": draw(7).half(),
        "brain": draw(7).bfloat16(),
        "double": draw(3).double(),
        "count": torch.tensor([1, -2, 2**53 + 2]),
        "int": torch.tensor([-5, 6], dtype=torch.int32),
        "short": torch.tensor([-300, 6], dtype=torch.int16),
        "signed": torch.tensor([-5, 6], dtype=torch.int8),
        "unsigned": torch.tensor([250, 6], dtype=torch.uint8),
        "flag": torch.tensor([True, False, True]),
    }
)


def value_of(tensor):
    wide = tensor.detach()
    dtype = {torch.bfloat16: "float32"}.get(wide.dtype, str(wide.dtype).removeprefix("torch."))
    numbers = wide.double().flatten().tolist() if wide.is_floating_point() else [str(int(x)) for x in wide.flatten()]
    return {"dtype": dtype, "shape": list(wide.shape), "values": numbers}


(folder / "tensors.json").write_text(json.dumps({name: value_of(tensor) for name, tensor in tensors.items()}) + "\n")


def save(name, value, **options):
    torch.save(value, folder / name, **options)


save("zip.pth", tensors)
save("protocol4.pth", tensors, pickle_protocol=4)
save("legacy.pth", tensors, _use_new_zipfile_serialization=False)
model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
optimizer = torch.optim.Adam(model.parameters())
model(draw(4, 3)).sum().backward()
optimizer.step()
checkpoint = {"epoch": 3, "arch": "tiny", "dtype": torch.float32, "device": torch.device("cpu"), "shape": torch.Size([2, 3])}
save("checkpoint.pth", {**checkpoint, "state_dict": model.state_dict(), "optimizer": optimizer.state_dict()})
save("module.pth", model)


class Attack:
    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


save("attack-system.pth", OrderedDict(dense=Attack(os.system, "touch attacked")))
save("attack-eval.pth", OrderedDict(dense=Attack(eval, "1+1")), pickle_protocol=4)
save("attack-legacy.pth", Attack(os.system, "touch attacked"), _use_new_zipfile_serialization=False)

dense = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
save_file(dense, folder / "whole.safetensors")
names = list(dense)
shards = {"model-00001-of-00002.safetensors": names[:8], "model-00002-of-00002.safetensors": names[8:]}
(folder / "sharded").mkdir(exist_ok=True)
for file, part in shards.items():
    save_file({name: dense[name] for name in part}, folder / "sharded" / file)
index = {"metadata": {}, "weight_map": {name: file for file, part in shards.items() for name in part}}
(folder / "sharded" / "model.safetensors.index.json").write_text(json.dumps(index) + "\n")

arrays = {name: tensor.float().numpy() if name == "brain" else tensor.numpy() for name, tensor in dense.items()}
arrays["transposed"] = numpy.asfortranarray(arrays["transposed"])
arrays["int"] = arrays["int"].astype(">i4")
numpy.savez(folder / "stored.npz", **arrays)
numpy.savez_compressed(folder / "deflated.npz", **arrays)

kernel, gamma, odd = draw(3, 3, 2, 4).numpy(), draw(4).numpy(), draw(9).numpy()


def keras2(group):
    """What `model.save_weights` of Keras 2 writes: a group for each layer, the names of its weights as attributes."""
    group.attrs["layer_names"] = numpy.array([b"conv1", b"bn"])
    group.attrs["backend"] = b"tensorflow"
    for layer, weights in {"conv1": {"kernel:0": kernel}, "bn": {"gamma:0": gamma, "moving_mean:0": -gamma}}.items():
        of_layer = group.create_group(layer)
        of_layer.attrs["weight_names"] = numpy.array([f"{layer}/{weight}".encode() for weight in weights])
        for weight, value in weights.items():
            of_layer.create_dataset(f"{layer}/{weight}", data=value)


with h5py.File(folder / "keras-weights.h5", "w") as file:
    keras2(file)
with h5py.File(folder / "keras-model.h5", "w") as file:
    file.attrs["model_config"] = json.dumps({"class_name": "Functional"})
    keras2(file.create_group("model_weights"))
    file.create_group("optimizer_weights/Adam").create_dataset("iter:0", data=7)
with h5py.File(folder / "dtypes.h5", "w", libver="latest") as file:
    file["squeezed"] = odd
    file.create_dataset("deflated", data=odd, chunks=(4,), compression="gzip", shuffle=True)
    file.create_dataset("big_endian", data=odd.astype(">f4"))
    file["double"], file["count"], file["flag"] = odd.astype("f8"), numpy.array([1, 2**53 + 2]), numpy.array([True, False])
    file["scalar"] = numpy.float32(2.5)
by_hand = {"kernel": kernel, "gamma": gamma, "odd": odd}
(folder / "keras.json").write_text(json.dumps({name: value.flatten().tolist() for name, value in by_hand.items()}) + "\n")

# Keras 3 itself: layers named unlike their classes, two of a class, one model inside another.
image = keras.Input((5, 5, 2), name="image")
y = keras.layers.Conv2D(4, 3, use_bias=False, name="stem")(image)
y = keras.layers.BatchNormalization(name="stem_bn")(y)
y = keras.layers.DepthwiseConv2D(3, padding="same", name="depthwise")(y)
y = keras.layers.BatchNormalization(name="depthwise_bn")(y)
y = keras.layers.SeparableConv2D(3, 1, name="separable")(y)
inner = keras.Model(image, keras.layers.GlobalAveragePooling2D()(y), name="body")
outer = keras.Model(image, keras.layers.Dense(2, name="head")(inner(image)))
outer.set_weights([draw(*weight.shape).numpy() for weight in outer.get_weights()])
inner.save(folder / "keras3.keras")
outer.save(folder / "keras3-nested.keras")
inner.save_weights(folder / "keras3.weights.h5")
inner.save(folder / "keras3-model.h5")
expected = [
    (f"{layer.name}/{weight.name}", numpy.asarray(value))
    for layer in inner.layers
    for weight, value in zip(layer.weights, layer.get_weights(), strict=True)
]
(folder / "keras3.json").write_text(
    json.dumps({name: {"shape": value.shape, "values": value.flatten().tolist()} for name, value in expected}) + "\n"
)
