"""The command line: each command reads its sources, calls the library, and prints."""

from __future__ import annotations

import math
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import typer

from handgrad import __version__, data, terminal
from handgrad.atomic import check_writable, write_atomically
from handgrad.checks import check_formulas
from handgrad.engines import get_engine
from handgrad.engines.threads import MOST_THREADS
from handgrad.errors import DataError, MissingPackageError, WriteError
from handgrad.evaluation import Evaluation, evaluate, predicted_probabilities
from handgrad.export import export_html, own_samples
from handgrad.glassbox import Trace, watching
from handgrad.glassbox.live_run import LiveRun
from handgrad.glassbox.payload import MOST_SAMPLES, build_payload
from handgrad.glassbox.table import trace_table
from handgrad.information import installation
from handgrad.model import Model
from handgrad.network import Network
from handgrad.overlaps import check_distinct
from handgrad.plain_json import plain_json, show_json
from handgrad.plots import picture_files, prepare_folder, save_plots
from handgrad.predictions import predictions_csv
from handgrad.rows import PIXEL_SCALE
from handgrad.storage import load, save
from handgrad.training import MOST_ITERATIONS, TrainingRun, initial_network
from handgrad.training import train as run_training
from handgrad.usage import Commands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from threading import Event

    from handgrad.data import Dataset, Samples
    from handgrad.engines import Engine, Progress
    from handgrad.glassbox.server import LiveServer

DIGITS_CHECKED = 20
USUAL_LABEL = "label"

app = typer.Typer(
    name="handgrad",
    cls=Commands,
    help="Train, use and look inside a two-layer neural network whose every gradient is derived "
    "by hand.\n\nStart with [green]handgrad train[/]: it learns to read handwritten digits. Then "
    "[green]handgrad trace model.safetensors mnist-5k[/] shows every matrix of one digit's pass, "
    "and [green]handgrad check[/] checks each formula by machine.",
    epilog="A [bold]SOURCE[/] of data is one of:\n\n"
    "[cyan]mnist-5k[/]: 5,000 real handwritten digits, installed with handgrad\\[digits]\n\n"
    "[cyan]mnist[/]: the 70,000 digits of MNIST, downloaded once\n\n"
    "[cyan]digits[/]: scikit-learn's 8×8 digits\n\n"
    "[cyan]a folder[/]: with MNIST's four IDX files, or with a subfolder of images a class\n\n"
    "[cyan]a file[/]: .csv with a header and a label column, or .npz with X and y\n\n"
    "Every command prints JSON under [bold]--json[/] and explains itself under [bold]--help[/].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)

SourceArgument = Annotated[
    str, typer.Argument(metavar="SOURCE", help="Data; handgrad --help lists what it can be.")
]
ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A model file that train wrote.")
]
LabelOption = Annotated[
    str | None,
    typer.Option(help="The label column of a CSV file; by default that of the model, or 'label'."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
EngineOption = Annotated[
    Literal["auto", "native", "reference"], typer.Option(help="Who computes the passes.")
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        min=1, max=MOST_THREADS, help="Threads of the native engine; all processors by default."
    ),
]
HiddenOption = Annotated[int, typer.Option(min=1, help="Number of hidden units.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Seed of the initial values.")]
PortOption = Annotated[
    int, typer.Option(min=0, max=65535, help="Where the page is served; if taken, a free one.")
]
BrowserOption = Annotated[
    bool, typer.Option("--browser/--no-browser", help="Open the page where there is a display.")
]


def _above_zero(value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise typer.BadParameter(f"{value} is not a number above 0.")
    return value


def _print_version(asked: bool) -> None:
    if asked:
        print(f"handgrad {__version__}")
        raise typer.Exit


IterationsOption = Annotated[
    int, typer.Option(min=1, max=MOST_ITERATIONS, help="Steps, each over all rows.")
]
LearningRateOption = Annotated[
    float, typer.Option(callback=_above_zero, help="η, the size of a step.")
]


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Take the options of the program itself."""


@app.command(
    epilog="Examples:\n\n[green]handgrad train[/]\n\n"
    "[green]handgrad train flowers.csv --label species --hidden 32 --history history.csv[/]"
)
def train(
    source: SourceArgument = "mnist-5k",
    hidden: HiddenOption = 10,
    iterations: IterationsOption = 500,
    learning_rate: LearningRateOption = 0.1,
    seed: SeedOption = 0,
    initial: Annotated[
        Literal["he", "uniform"], typer.Option(help="How initial values are drawn.")
    ] = "he",
    dtype: Annotated[
        Literal["float32", "float64"], typer.Option(help="Type of all numbers.")
    ] = "float32",
    test: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Data to test the network on.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the model goes.")] = Path("model.safetensors"),
    history: Annotated[
        Path | None, typer.Option(help="Where cost and accuracy of each step go, as CSV.")
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where pictures of curves, weights and mistakes go."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show the run in the browser while it goes on.")
    ] = False,
    port: PortOption = watching.USUAL_PORT,
    browser: BrowserOption = True,
    label: LabelOption = None,
    engine: EngineOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a network by gradient descent, test it, and write it to a file.

    Ctrl-C stops the run and keeps the best network so far. Where neither SOURCE nor --test has
    test samples, every fifth sample of each class is held out for the test.

    Under --watch the page can stop the run, change η, and train on once the model is written; a
    run of less than two seconds is shown in four. The page stays until Ctrl-C.
    """
    pictures = [] if plots is None else picture_files(plots)
    check_distinct((source, test), (out, history, *pictures))
    for file in filter(None, (out, history)):
        check_writable(file)
    if plots is not None:
        prepare_folder(plots)
    label = label or USUAL_LABEL
    dataset = _training_data(source, test, label)
    network = initial_network(dataset, hidden=hidden, seed=seed, dtype=dtype, scheme=initial)
    chosen = get_engine(engine, threads=threads)
    settings = {
        "source": source,
        "learning_rate": learning_rate,
        "seed": seed,
        "initial": initial,
    }
    training: AbstractContextManager[TrainingRun]
    if watch:
        live = LiveRun(
            network,
            dataset,
            engine=chosen,
            learning_rate=learning_rate,
            iterations=iterations,
            held=True,
        )
        training = _watched_run(
            live, _trained_model(network, dataset, settings, label), port, browser
        )
    else:
        training = nullcontext(
            _train_with_progress(network, dataset, chosen, learning_rate, iterations)
        )
    with training as run:
        if watch:
            settings["learning_rate"] = live.state().learning_rate
        on_train = evaluate(run.network, dataset.X_train, dataset.y_train, engine=chosen)
        on_test = _evaluate_test(run.network, dataset, chosen)
        figures = _training_figures(run, on_train, on_test) | {"engine": chosen.name}
        model = _trained_model(run.network, dataset, settings | figures, label)
        try:
            save(model, out)
        except WriteError as error:
            raise WriteError(f"{error} The trained network is lost: train it again.") from error
        if history is not None:
            write_atomically(history, run.history.to_csv().encode())
        if plots is not None:
            X, y = _samples_to_show(dataset)
            save_plots(plots, history=run.history, model=model, X=X, y=y)
        files = {"model": out, "history": history, "plots": plots}
        if as_json:
            show_json(figures | {name: path and str(path) for name, path in files.items()})
            return
        if on_test is not None:
            _print_evaluation(on_test, dataset.class_names)
        _print_run(run, on_train, on_test, iterations)
        for name, path in files.items():
            if path is not None:
                terminal.show_line(f"{name}: {path}")


def _print_run(
    run: TrainingRun, on_train: Evaluation, on_test: Evaluation | None, iterations: int
) -> None:
    show = terminal.results().print
    if run.stopped:
        show(f"Stopped after {run.iterations} of {iterations} steps; the best network is kept.")
    show(
        f"{run.iterations} steps in {run.seconds:.1f} s: "
        f"cost {on_train.cost:.4f}, training accuracy {on_train.accuracy:.2%}"
    )
    if on_test is not None:
        show(f"[bold]test accuracy {on_test.accuracy:.2%}[/] on {on_test.samples:,} samples")


@app.command(
    epilog="Examples:\n\n[green]handgrad studio[/]\n\n"
    "[green]handgrad studio model.safetensors mnist-5k[/]"
)
def studio(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL", help="A model file that train wrote; a fresh network by default."
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Argument(metavar="SOURCE", help="Data; mnist-5k by default.")
    ] = None,
    hidden: HiddenOption = 10,
    iterations: IterationsOption = 500,
    learning_rate: LearningRateOption = 0.1,
    seed: SeedOption = 0,
    out: Annotated[
        Path | None, typer.Option(help="Where the newest network goes at the end.")
    ] = None,
    port: PortOption = watching.USUAL_PORT,
    browser: BrowserOption = True,
    label: LabelOption = None,
    engine: EngineOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train from the browser: start and stop, change η, and look inside while it goes on.

    Serves the glass box on this machine alone, until Ctrl-C or until the terminal closes. Each
    start adds --iterations steps. With --out MODEL the model itself is trained further.
    """
    path, source = watching.model_and_source(model, source)
    if out is not None:
        check_distinct((source,), (out,))
        check_writable(out)
    if path is None:
        label = label or USUAL_LABEL
        dataset = _training_data(source, None, label)
        network = initial_network(dataset, hidden=hidden, seed=seed)
        shown = _trained_model(network, dataset, {"source": source, "seed": seed}, label)
    else:
        shown = _load_model(path)
        dataset = _training_data(source, None, label or shown.label or USUAL_LABEL)
        dataset = dataset.with_classes(shown.class_names, source)
        if shown.feature_names is not None:
            dataset = dataset.with_features(shown.feature_names, source)
        _check_features(dataset.X_train, source, shown.D, f"{path} takes")
        if not shown.pixels:
            dataset = dataset.with_numbers()
    live = LiveRun(
        shown,
        dataset,
        engine=get_engine(engine, threads=threads),
        learning_rate=learning_rate,
        iterations=iterations,
    )
    with _live_page(live, shown, port, browser, as_json=as_json) as (_, asked, _opened):
        watching.wait_until(asked)
        live.close()
    if out is not None:
        save(_with_parameters(shown, live.snapshot().network), out)


def _training_data(source: str, test: str | None, label: str) -> Dataset:
    with terminal.waiting(f"reading {source}"):
        dataset = data.load(source, label=label)
        if test is None:
            return dataset if len(dataset.X_test) else dataset.with_held_out_test()
        samples = data.load_samples(
            test, label=label, image_shape=dataset.image_shape, features=dataset.feature_names
        )
        _check_features(samples.X, test, dataset.X_train.shape[1], f"{source} has")
        return dataset.with_test(samples)


def _train_with_progress(
    network: Network, dataset: Dataset, engine: Engine, learning_rate: float, iterations: int
) -> TrainingRun:
    with terminal.interrupts() as interrupted, terminal.training_progress(iterations) as show:

        def on_progress(progress: Progress) -> bool:
            show(progress)
            return interrupted.is_set()

        return run_training(
            network,
            dataset.X_train,
            dataset.y_train,
            engine=engine,
            learning_rate=learning_rate,
            iterations=iterations,
            on_progress=on_progress,
        )


@contextmanager
def _watched_run(live: LiveRun, model: Model, port: int, browser: bool) -> Iterator[TrainingRun]:
    """Train while the page shows it, and let the page stay once the results are printed."""
    with _live_page(live, model, port, browser) as (server, asked, opened):
        with terminal.waiting("waiting for the page to be opened"):
            watching.wait_for_viewer(server, asked, opened=opened)
        if asked.is_set():
            raise KeyboardInterrupt
        with terminal.training_progress(live.state().iterations) as show:

            def on_progress(progress: Progress) -> bool:
                show(progress)
                return asked.is_set()

            run = live.run(on_progress)
        yield run
        sys.stdout.flush()
        if not asked.is_set():
            terminal.passing().print("The page stays until Ctrl-C.")
            watching.wait_until(asked)


@contextmanager
def _live_page(
    live: LiveRun, model: Model, port: int, browser: bool, *, as_json: bool | None = None
) -> Iterator[tuple[LiveServer, Event, bool]]:
    """Serve the page, say where, and open it; also tell whether a browser took it.

    The address goes to standard output where it is the result: as JSON or as text.
    """

    def describe(network: Network) -> Mapping[str, Any]:
        X, y = _samples_to_show(live.dataset)
        newest = _with_parameters(model, network)
        return build_payload(newest, X, y, learning_rate=live.state().learning_rate, live=True)

    with watching.endings() as asked, watching.serving(live, describe, port=port) as server:
        address = f"{server.address}#view=descend"
        if as_json:
            show_json({"address": address, "port": server.port})
        else:
            console = terminal.passing() if as_json is None else terminal.results()
            terminal.show_line(f"The page: {address}", console)
            console.print("It can be opened on this machine alone; Ctrl-C ends it.")
        sys.stdout.flush()
        yield server, asked, browser and watching.open_in_browser(server, "#view=descend")


def _with_parameters(model: Model, network: Network) -> Model:
    W1, b1, W2, b2 = network.parameters
    return replace(model, W1=W1, b1=b1, W2=W2, b2=b2)


def _samples_to_show(dataset: Dataset) -> tuple[Any, Any]:
    """Return the test samples, or the training samples where there are none."""
    if len(dataset.X_test):
        return dataset.X_test, dataset.y_test
    return dataset.X_train, dataset.y_train


def _evaluate_test(network: Network, dataset: Dataset, engine: Engine) -> Evaluation | None:
    if not len(dataset.X_test):
        return None
    return evaluate(network, dataset.X_test, dataset.y_test, engine=engine)


def _training_figures(
    run: TrainingRun, on_train: Evaluation, on_test: Evaluation | None
) -> dict[str, Any]:
    return {
        "test_accuracy": on_test and on_test.accuracy,
        "test_cost": on_test and on_test.cost,
        "train_accuracy": on_train.accuracy,
        "train_cost": on_train.cost,
        "iterations": run.iterations,
        "stopped": run.stopped,
        "seconds": run.seconds,
    }


def _trained_model(
    network: Network, dataset: Dataset, training: dict[str, Any], label: str
) -> Model:
    return Model(
        *network.parameters,
        class_names=dataset.class_names,
        image_shape=dataset.image_shape,
        scaling=PIXEL_SCALE if dataset.X_train.dtype == np.uint8 else 1.0,
        training=training,
        feature_names=dataset.feature_names,
        label=None if dataset.feature_names is None else label,
    )


@app.command(name="evaluate", epilog="Example: [green]handgrad evaluate model.safetensors mnist[/]")
def evaluate_model(
    model: ModelArgument,
    source: SourceArgument,
    label: LabelOption = None,
    engine: EngineOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Test a model on labelled samples: the test samples of SOURCE, or all where it has none."""
    network, samples = _model_and_samples(model, source, label)
    if samples.y is None:
        raise DataError(
            f"{source} has no labels; expected some: name their column with --label, "
            "or use handgrad predict, which needs none."
        )
    y = data.match_labels(samples, network.class_names)
    evaluation = evaluate(network, samples.X, y, engine=get_engine(engine, threads=threads))
    if as_json:
        show_json({"class_names": network.class_names} | evaluation.to_dict())
        return
    _print_evaluation(evaluation, network.class_names)
    terminal.results().print(
        f"[bold]accuracy {evaluation.accuracy:.2%}[/] and cost {evaluation.cost:.4f} "
        f"on {evaluation.samples:,} samples"
    )


@app.command(
    epilog="Examples:\n\n[green]handgrad predict model.safetensors digit.png[/]\n\n"
    "[green]handgrad predict model.safetensors unlabelled.csv --out predictions.csv[/]"
)
def predict(
    model: ModelArgument,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="Samples, with labels or without; also images in a file or folder.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Where the CSV goes; standard output by default.")
    ] = None,
    label: LabelOption = None,
    engine: EngineOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict each sample's label, as CSV: sample, label, and the probability of each class."""
    if out is not None:
        check_distinct((model, source), (out,))
        check_writable(out)
    network, samples = _model_and_samples(model, source, label)
    chosen = get_engine(engine, threads=threads)
    probabilities = predicted_probabilities(network, samples.X, engine=chosen)
    labels = [network.class_names[k] for k in probabilities.argmax(axis=1)]
    if as_json:
        columns = zip(samples.names, labels, probabilities.tolist(), strict=True)
        rows = [{"sample": s, "label": k, "probabilities": p} for s, k, p in columns]
        content = plain_json(rows) + "\n"
    else:
        content = predictions_csv(samples.names, labels, probabilities, network.class_names)
    if out is None:
        print(content, end="")
    else:
        write_atomically(out, content.encode())


@app.command(
    epilog="Example: [green]handgrad trace model.safetensors mnist-5k --sample 7 --full[/]"
)
def trace(
    model: ModelArgument,
    source: SourceArgument = "mnist-5k",
    sample: Annotated[int, typer.Option(min=0, help="Which sample, counted from 0.")] = 0,
    learning_rate: Annotated[
        float, typer.Option(callback=_above_zero, help="η of the step at the end.")
    ] = 0.1,
    full: Annotated[bool, typer.Option("--full", help="Print every value.")] = False,
    label: LabelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every matrix of one sample's forward and backward pass.

    The sample is one of the test samples of SOURCE, or of all where it has none. Without labels
    the trace ends with the prediction.
    """
    network, samples = _model_and_samples(model, source, label)
    if sample >= len(samples.X):
        raise typer.BadParameter(
            f"{source} has {len(samples.X)} samples, counted from 0.", param_hint="--sample"
        )
    one = slice(sample, sample + 1)
    y = None if samples.y is None else data.match_labels(samples, network.class_names)[one]
    passes = Trace(network, samples.X[one], y, learning_rate=learning_rate)
    if as_json:
        print(passes.to_json())
        return
    show = terminal.results().print
    if network.image_shape is not None:
        show(terminal.picture(network.rows(samples.X[one])[0], network.image_shape), markup=False)
    width = terminal.results().width
    show(trace_table(passes.steps, full=full, width=width))
    terminal.show_line(terminal.class_note(network.class_names))


@app.command(
    epilog="Example: [green]handgrad export model.safetensors --format html --out digits.html[/]"
)
def export(
    model: ModelArgument,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="Samples to go along; by default those that the model was trained on.",
        ),
    ] = None,
    form: Annotated[
        Literal["html"], typer.Option("--format", help="html: the glass box as one page.")
    ] = "html",
    out: Annotated[
        Path | None, typer.Option(help="Where the file goes; by default beside MODEL.")
    ] = None,
    samples: Annotated[
        int, typer.Option(min=0, max=MOST_SAMPLES, help="At most so many samples go along.")
    ] = MOST_SAMPLES,
    label: LabelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a model in a form that others use: the interactive page as one HTML file.

    It opens in any browser, from disk, and makes no request.
    """
    out = out or model.parent / f"{model.stem}.{form}"
    check_distinct((model, source), (out,))
    check_writable(out)
    network, chosen = _model_and_own_samples(model, source, label)
    check_distinct((chosen.source if chosen else None,), (out,))
    page = export_html(network, out, chosen, most=samples)
    if as_json:
        show_json({"file": str(out), "format": form} | page._asdict())
        return
    terminal.show_line(
        f"page: {out}, {page.bytes / 1000:,.0f} kB with {page.samples} samples; "
        "open it in a browser"
    )


@app.command(epilog="Example: [green]handgrad check[/]")
def check(
    source: Annotated[
        str | None,
        typer.Argument(metavar="SOURCE", help="Real samples to check on; mnist-5k by default."),
    ] = None,
    label: LabelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every formula of the notes by machine, and exit with 1 if any fails.

    Each is compared in float64 with something independent: derivatives with central differences
    and with the complex step, matrix products with sums over samples.
    """
    checks = check_formulas(*_samples_to_check(source, label))
    if as_json:
        show_json([check.to_dict() for check in checks])
    else:
        terminal.results().print(terminal.check_table(checks))
    if not all(check.passed for check in checks):
        raise typer.Exit(1)


def _samples_to_check(source: str | None, label: str | None) -> tuple[Any, Any]:
    """Return some rows and labels of all classes; none where the default is not installed."""
    try:
        dataset = data.load("mnist-5k" if source is None else source, label=label or USUAL_LABEL)
    except MissingPackageError as error:
        if source is not None:
            raise
        terminal.show_line(f"Checked on random networks alone: {error}", terminal.passing())
        return None, None
    spread = np.linspace(0, len(dataset.X_train) - 1, DIGITS_CHECKED).astype(int)
    return dataset.X_train[spread], dataset.y_train[spread]


@app.command(epilog="Example: [green]handgrad info --json[/]")
def info(as_json: JsonOption = False) -> None:
    """Show versions, engine, instruction set and threads."""
    facts = installation()
    if as_json:
        show_json(facts)
    else:
        terminal.results().print(terminal.fact_table(facts))


def _model_and_samples(path: Path, source: str, label: str | None) -> tuple[Model, Samples]:
    """Read a model, and samples whose features and labels the model finds by their names."""
    model = _load_model(path)
    with terminal.waiting(f"reading {source}"):
        samples = data.load_samples(
            source,
            label=label or model.label or USUAL_LABEL,
            image_shape=model.image_shape,
            features=model.feature_names,
        )
    _check_features(samples.X, source, model.D, f"{path} takes")
    if not model.pixels and samples.X.dtype == np.uint8:
        terminal.passing().print(
            f"{path} was fitted without pixels=True: it takes the bytes of {source} as they are, "
            "from 0 to 255.",
            markup=False,
            soft_wrap=True,
        )
    return model, samples


def _model_and_own_samples(
    path: Path, source: str | None, label: str | None
) -> tuple[Model, Samples | None]:
    """Read a model, and samples of a source or of what it was trained on."""
    if source is not None:
        return _model_and_samples(path, source, label)
    model = _load_model(path)
    with terminal.waiting("reading samples"):
        samples = own_samples(model, label=label)
    if samples is None:
        terminal.passing().print(
            "The samples that the model was trained on are not there: the page takes drawings "
            "alone. Name a SOURCE to have some."
        )
    return model, samples


def _load_model(path: Path) -> Model:
    loaded = load(path)
    return Model.of(loaded) if isinstance(loaded, Network) else loaded.model()


def _check_features(X: Any, source: str, expected: int, whose: str) -> None:
    found = X.shape[1]
    if found != expected:
        raise DataError(f"{source} has {found} features a sample; {whose} {expected}.")


def _print_evaluation(evaluation: Evaluation, class_names: Sequence[str]) -> None:
    show = terminal.results().print
    show(terminal.class_table(evaluation, class_names))
    show(terminal.confusion_table(evaluation, class_names))
