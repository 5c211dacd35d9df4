"""Modules and files of PyTorch, whose own predictions are the oracle."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from handgrad import convert, get_engine
from handgrad.errors import ConversionError, HandgradError

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch import nn  # noqa: E402

ENGINE = get_engine("reference")
X = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
ROWS = torch.from_numpy(X)
ACTIVATIONS = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "logistic": nn.Sigmoid,
    "leaky_relu": nn.LeakyReLU,
    "identity": nn.Identity,
}
OUTPUTS = {
    "softmax": lambda logits: torch.softmax(logits, dim=1),
    "logistic": torch.sigmoid,
    "identity": lambda logits: logits,
    "exp": torch.exp,
}


def sequential(activation="relu", outputs=3, seed=0) -> Any:
    torch.manual_seed(seed)
    g = ACTIVATIONS[activation]
    return nn.Sequential(nn.Linear(6, 5), g(), nn.Linear(5, 4), g(), nn.Linear(4, outputs))


def expected(module, output="softmax"):
    with torch.no_grad():
        return OUTPUTS[output](module.eval()(ROWS)).numpy()


def assert_same(model, module, output="softmax"):
    np.testing.assert_allclose(
        ENGINE.outputs(model, X), expected(module, output), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("output", list(OUTPUTS))
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_a_sequential_its_state_dict_and_its_files_predict_the_same(tmp_path, activation, output):
    safetensors = pytest.importorskip("safetensors.torch")
    module = sequential(activation)
    torch.save(module.state_dict(), tmp_path / "network.pt")
    safetensors.save_file(module.state_dict(), tmp_path / "network.safetensors")
    assert_same(convert.from_torch(module, output=output), module, output)
    for source in (
        module,
        module.state_dict(),
        tmp_path / "network.pt",
        str(tmp_path / "network.safetensors"),
    ):
        model = convert.from_torch(source, activation=activation, output=output)
        assert_same(model, module, output)


def test_double_and_half_numbers_keep_their_values():
    module = sequential().double()
    assert convert.from_torch(module, output="softmax").dtype == np.float64
    for dtype in (torch.float16, torch.bfloat16):
        module = sequential().to(dtype)
        model = convert.from_torch(module, output="softmax")
        assert model.dtype == np.float32
        np.testing.assert_array_equal(model.layers[0].W, module[0].weight.detach().float().numpy())


def test_one_logistic_output_is_two_classes():
    module = sequential(outputs=1)
    model = convert.from_torch(module, output="logistic", class_names=("no", "yes"))
    np.testing.assert_allclose(
        ENGINE.outputs(model, X)[:, 1:], expected(module, "logistic"), rtol=1e-5
    )


def test_modules_without_effect_are_left_out_and_nested_ones_opened():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Flatten(),
        nn.Sequential(nn.Linear(6, 5), nn.Identity(), nn.Tanh(), nn.Dropout(0.5)),
        nn.Sequential(nn.Linear(5, 4, bias=False), nn.Dropout(0.2), nn.LeakyReLU()),
        nn.Linear(4, 4),
        nn.Linear(4, 3),
    )
    model = convert.from_torch(module, output="softmax")
    assert [layer.activation for layer in model.layers[:-1]] == ["tanh", "leaky_relu", "identity"]
    assert_same(model, module)


def test_a_module_that_stands_twice_in_a_sequential_counts_twice():
    torch.manual_seed(0)
    g, square = nn.Tanh(), nn.Linear(6, 6)
    module = nn.Sequential(square, g, square, g, nn.Linear(6, 3))
    model = convert.from_torch(module, output="softmax")
    assert model.hidden == (6, 6)
    assert_same(model, module)


@pytest.mark.parametrize(
    ("last", "output"),
    [
        (nn.Softmax(dim=1), "softmax"),
        (nn.Softmax(dim=-1), "softmax"),
        (nn.LogSoftmax(dim=1), "softmax"),
        (nn.Sigmoid(), "logistic"),
    ],
)
def test_the_end_of_a_sequential_tells_the_output(last, output):
    logits = sequential()
    module = nn.Sequential(*logits, last)
    for given in ({}, {"output": output}):
        assert_same(convert.from_torch(module, **given), logits, output)
    with pytest.raises(
        ConversionError, match=f"output is 'identity', but the modules end in {output}"
    ):
        convert.from_torch(module, output="identity")


class Classifier(nn.Module):  # type: ignore[misc]
    """A module with names of its own, as tutorials write them."""

    def __init__(self) -> None:
        super().__init__()
        self.fc2 = nn.Linear(5, 3)
        self.fc1 = nn.Linear(6, 5)
        self.dropout = nn.Dropout()

    def forward(self, rows: Any) -> Any:
        return self.fc2(self.dropout(torch.tanh(self.fc1(rows))))


def test_a_module_of_another_class_tells_its_weights_alone():
    module = Classifier()
    assert_same(convert.from_torch(module, activation="tanh", output="softmax"), module)
    with pytest.raises(ConversionError, match="activation of 1 hidden layers is not known"):
        convert.from_torch(module, output="softmax")


class Halved(nn.Sequential):  # type: ignore[misc]
    """Looks like a Sequential, and is none."""

    def forward(self, rows: Any) -> Any:
        return super().forward(rows) / 2


class WithEmbedding(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.embed1 = nn.Embedding(4, 6)
        self.embed2 = nn.Linear(4, 3)


def test_a_class_made_of_sequential_does_not_tell_its_activations():
    with pytest.raises(ConversionError, match="activation of 1 hidden layers is not known"):
        convert.from_torch(Halved(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)), output="softmax")


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.Sequential(nn.Linear(6, 5), nn.GELU(), nn.Linear(5, 3)), "module 1 is a GELU"),
        (nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)), "1 is a BatchNorm1d"),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3)), "0 is a Conv2d"),
        (nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Tanh(), nn.Linear(5, 3)), "2 is a Tanh"),
        (nn.Sequential(nn.Linear(6, 5), nn.Softmax(dim=1), nn.Linear(5, 3)), "1 is a Softmax"),
        (nn.Sequential(nn.Linear(6, 5), nn.ReLU()), "1 is a ReLU; expected a Linear at the end"),
        (nn.Sequential(nn.Linear(6, 5), nn.Sigmoid(), nn.Softmax(dim=1)), "2 is a Softmax"),
        (nn.Sequential(nn.ReLU(), nn.Linear(6, 5)), "0 is a ReLU; expected a Linear before it"),
        (nn.Sequential(nn.Flatten(0), nn.Linear(6, 5)), "0 is a Flatten"),
        (nn.Sequential(nn.Linear(6, 5), nn.LeakyReLU(0.2), nn.Linear(5, 3)), "slope 0.2"),
        (nn.Sequential(nn.Linear(6, 5), nn.Softmax(dim=0)), "sums along axis 0"),
        (nn.Sequential(nn.Linear(6, 5), nn.Linear(4, 3)), "'1' takes 4 inputs, but '0' has 5"),
        (nn.Sequential(), "has no Linear"),
        (nn.Sequential(nn.LazyLinear(3)), "0 is a LazyLinear"),
        (nn.Sequential(Classifier(), nn.ReLU(), nn.Linear(3, 2)), "0 is a .*Classifier"),
        (nn.Conv2d(1, 2, 3), "module itself is a Conv2d"),
        (WithEmbedding(), "module embed1 is a Embedding"),
        (nn.Sequential(nn.Linear(6, 5, device="meta")), "cannot become an array"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_modules_that_no_network_here_has_are_refused(module, words):
    with pytest.raises(HandgradError, match=words):
        convert.from_torch(module, output="softmax")


def test_an_activation_that_the_modules_do_not_have_is_refused():
    with pytest.raises(ConversionError, match="activation is 'tanh', but the modules have relu"):
        convert.from_torch(sequential(), activation="tanh", output="softmax")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "does not hold tensors alone"),
        (b"hello", "does not hold tensors alone"),
        (pickle.dumps({"weight": [[1.0]]}), "network.pt"),
        (pickle.dumps([1]), "network.pt"),
        (None, "cannot be read: No such file"),
    ],
)
def test_files_that_hold_no_state_dict_are_refused(tmp_path, content, words):
    path = tmp_path / "network.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConversionError, match=words):
        convert.from_torch(path, output="softmax")


def test_a_file_of_a_whole_module_or_a_checkpoint_is_refused(tmp_path):
    module = sequential()
    torch.save(module, tmp_path / "module.pt")
    with pytest.raises(ConversionError, match=r"expected what torch\.save\(module\.state_dict"):
        convert.from_torch(tmp_path / "module.pt", activation="relu", output="softmax")
    torch.save({"epoch": 1, "model": module.state_dict()}, tmp_path / "checkpoint.pt")
    with pytest.raises(ConversionError, match="holds 'epoch'"):
        convert.from_torch(tmp_path / "checkpoint.pt", activation="relu", output="softmax")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ConversionError, match="holds a list; expected the state dict"):
        convert.from_torch(tmp_path / "list.pt", activation="relu", output="softmax")
