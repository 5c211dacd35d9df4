"""Messages about wrong usage: short, and without control characters."""

from __future__ import annotations

import pytest

from handgrad.__main__ import main


@pytest.fixture(autouse=True)
def samples(work_folder):
    """Samples, so that the argument in question is what is wrong."""
    rows = "".join(f"{i / 20},{'xy'[i % 2]}\n" for i in range(20))
    (work_folder / "s.csv").write_text(f"a,label\n{rows}")


def test_a_cluster_chooses_its_engine_itself(run):
    status, out, err = run("train", "s.csv", "--dask", "local", "--engine", "reference")
    assert (status, out) == (2, "")
    assert "--engine reference belongs to runs in this process" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "x" * 100_000],
        ["train", "s.csv", "--label", "x" * 100_000],
        ["train", "s.csv", "--test", "x" * 100_000],
        ["train", "s.csv", "--out", "x" * 100_000],
        ["train", "s.csv", "--history", "x/" * 50_000],
        ["train", "s.csv", "--plots", "x" * 100_000],
        ["train", "--hidden", "9" * 100_000],
        ["train", "--engine", "x" * 100_000],
        ["train", "--" + "x" * 100_000],
        ["evaluate", "x" * 100_000, "s.csv"],
        ["predict", "m", "s.csv", "x" * 100_000],
        ["x" * 100_000],
    ],
)
def test_an_error_quotes_little_of_a_long_argument(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code in (1, 2)
    assert 0 < len(capsys.readouterr().err) < 2000


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "\x1b[31mred"],
        ["train", "s.csv", "--label", "\x1b[31mred"],
        ["train", "s.csv", "--out", "no/\x1b[31mred"],
        ["train", "--hidden", "\x1b[31mred"],
        ["train", "--engine", "\x1b[31mred"],
        ["train", "--\x1b[31mred"],
        ["\x1b[31mred"],
        ["trace", "\x1b[31mred", "[/]"],
    ],
)
def test_an_error_sends_no_control_characters_to_the_terminal(arguments, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    out, err = capsys.readouterr()
    assert err
    assert "\x1b" not in out + err


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--hidden", "-1"],
        ["train", "--iterations", "many"],
        ["train", "--iterations", "100000000000000000000"],
        ["train", "--learning-rate", "nan"],
        ["train", "--learning-rate", "-0.1"],
        ["train", "--seed", "-1"],
        ["train", "--initial", "zeros"],
        ["train", "--engine", "quantum"],
        ["train", "--unknown"],
        ["evaluate"],
        ["nothing"],
    ],
)
def test_wrong_usage_exits_with_2(run, work_folder, arguments):
    status, _, err = run(*arguments)
    assert status == 2
    assert err
    assert "Traceback" not in err
    assert [path.name for path in work_folder.iterdir()] == ["s.csv"]
