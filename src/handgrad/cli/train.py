"""handgrad train: one training job, with a progress bar or watched in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from handgrad.cli import terminal
from handgrad.cli.app import app
from handgrad.cli.evaluations import headline, print_evaluation
from handgrad.cli.live_page import watched
from handgrad.cli.network_options import (
    ActivationOption,
    HiddenOption,
    InitialOption,
    LossOption,
    RegressionOption,
    check_network_options,
    hidden_sizes,
    label_columns,
)
from handgrad.cli.options import (
    BrowserOption,
    EngineOption,
    JsonOption,
    LabelOption,
    PortOption,
    SeedOption,
    SourceArgument,
    ThreadsOption,
)
from handgrad.cli.solver_options import (
    AlphaOption,
    BatchSizeOption,
    CheckpointOption,
    EpochsOption,
    EveryOption,
    IterationsOption,
    LearningRateOption,
    MomentumOption,
    NesterovOption,
    ResumeOption,
    SolverOption,
    TolOption,
    given,
    settings_of,
)
from handgrad.cli.streaming_options import (
    CacheOption,
    DaskOption,
    StreamOption,
    WindowOption,
    streaming_of,
)
from handgrad.data import USUAL_SOURCE
from handgrad.glassbox.live import watching
from handgrad.glassbox.payload import check_layers
from handgrad.jobs.checkpoints import checkpoints_of, prepare_resumed
from handgrad.jobs.targets import named_columns, output_for
from handgrad.jobs.training import TrainingFiles, TrainingReport, prepare_training
from handgrad.plain_json import show_json
from handgrad.solvers import USUAL_INTERVAL

if TYPE_CHECKING:
    from handgrad.jobs.training import TrainingJob
    from handgrad.solvers import Checkpoints, Result


@app.command(
    epilog="Examples:\n\n[green]handgrad train[/]\n\n"
    "[green]handgrad train mnist --solver adam --epochs 20 --batch-size 100[/]\n\n"
    "[green]handgrad train flowers.csv --label species --hidden 32 --history history.csv[/]\n\n"
    "[green]handgrad train mnist --hidden 100,50 --activation tanh --solver adam[/]\n\n"
    "[green]handgrad train houses.csv --regression --label price --solver lbfgs[/]"
)
def train(
    context: typer.Context,
    source: SourceArgument = USUAL_SOURCE,
    hidden: HiddenOption = "10",
    activation: ActivationOption = "relu",
    regression: RegressionOption = False,
    loss: LossOption = None,
    solver: SolverOption = "gd",
    iterations: IterationsOption = None,
    epochs: EpochsOption = None,
    batch_size: BatchSizeOption = None,
    learning_rate: LearningRateOption = None,
    momentum: MomentumOption = None,
    nesterov: NesterovOption = None,
    tol: TolOption = None,
    alpha: AlphaOption = 0.0,
    seed: SeedOption = 0,
    initial: InitialOption = None,
    dtype: Annotated[
        Literal["float32", "float64"], typer.Option(help="Type of all numbers.")
    ] = "float32",
    test: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Data to test the network on.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The model file to write.")] = Path("model.safetensors"),
    history: Annotated[
        Path | None,
        typer.Option(
            help="A CSV file for cost and accuracy of each iteration; for values, the cost."
        ),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="A folder for pictures of curves, weights and mistakes; for values, predicted "
            "against true ones.",
        ),
    ] = None,
    checkpoint: CheckpointOption = None,
    every: EveryOption = None,
    resume: ResumeOption = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show the run in the browser while it trains.")
    ] = False,
    port: PortOption = watching.USUAL_PORT,
    browser: BrowserOption = True,
    label: LabelOption = None,
    stream: StreamOption = False,
    window: WindowOption = None,
    cache: CacheOption = None,
    dask: DaskOption = None,
    engine: EngineOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a network, test it, and write it to a file.

    The solver is the notes' gradient descent unless --solver names another.
    --hidden 100,50 makes two hidden layers.

    With --regression the label column holds numbers, and the network predicts
    them; --label a,b names several columns. Without it, several columns of 0
    and 1 are several labels of each sample.

    Ctrl-C stops the run and keeps the best network so far. If neither SOURCE
    nor --test has test samples, every fifth sample is held out, of each class.

    With --checkpoint, a run that was killed continues from its last checkpoint:
    --resume FILE --checkpoint FILE. gd, sgd and adam then end in the same bits
    as a run that was never stopped. A run that is finished takes further
    iterations if --iterations or --epochs names more of them.

    With --watch the page can stop the run, change η, and continue training
    after the model is written. A run that takes less than two seconds is
    recorded and replayed in four. The page stays until Ctrl-C.
    """
    if every is not None and checkpoint is None:
        raise typer.BadParameter("--every belongs to --checkpoint, which is missing.")
    if dask is not None and engine != "auto":
        raise typer.BadParameter(
            f"--engine {engine} belongs to runs in this process; with --dask, the workers take "
            "what all of them have."
        )
    asked = given(context)
    if resume is None:
        check_network_options(asked, hidden, regression=regression)
    files, columns = TrainingFiles(out, history, plots, checkpoint), label_columns(label)
    settings: dict[str, Any] = {
        "solver": solver,
        "iterations": iterations,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "momentum": momentum,
        "nesterov": nesterov,
        "tol": tol,
        "alpha": alpha,
        "seed": seed,
        "hidden": hidden_sizes(hidden),
        "activation": activation,
        "regression": regression,
        "loss": loss,
        "initial": initial,
        "dtype": dtype,
    }
    where: dict[str, Any] = {
        "test": test,
        "label": columns,
        "engine": engine,
        "threads": threads,
        "dask": dask,
        "streaming": streaming_of(stream, window, cache, dask),
    }
    if resume is None:
        settings = settings_of(**settings)
        predicts = named_columns(columns, regression=regression).predicts
        if watch:
            check_layers(settings["hidden"], activation, output_for(predicts, loss))
        files.check(source, test, predicts=predicts)
        with terminal.waiting(f"reading {source}"):
            job = prepare_training(source, **where, **settings)
    else:
        settings = {name: value for name, value in settings.items() if name in asked}
        with terminal.waiting(f"reading {resume}"):
            job = prepare_resumed(
                resume, source if "source" in asked else None, **where, **settings
            )
        predicts = job.network.predicts
        files.check(job.settings["source"], job.test, resume=resume, predicts=predicts)
    checkpoints = None
    if checkpoint is not None:
        checkpoints = checkpoints_of(job, checkpoint, every=every or USUAL_INTERVAL, tell=_tell)
    if job.remark is not None:
        _tell(job.remark)
    if watch:
        with watched(job, port, browser, checkpoints) as (run, changed):
            finish(job.report(run, **changed), files, as_json=as_json)
    else:
        run = _run_with_progress(job, checkpoints)
        finish(job.report(run), files, as_json=as_json)


def _tell(sentence: str) -> None:
    terminal.show_line(sentence, terminal.passing())


def finish(report: TrainingReport, files: TrainingFiles, *, as_json: bool) -> None:
    """Write the files of a job, and print its results."""
    report.save(files)
    if as_json:
        show_json(report.figures | files.as_texts())
        return
    if report.on_test is not None:
        print_evaluation(report.on_test, report.model.class_names)
    _print_run(report)
    for name, path in files.as_texts().items():
        if path is not None:
            terminal.show_line(f"{name}: {path}")


def _run_with_progress(job: TrainingJob, checkpoints: Checkpoints | None) -> Result:
    with (
        watching.endings("SIGINT") as asked,
        terminal.training_progress(job.training.planned, asked) as show,
    ):
        return job.run(show, checkpoints, asked.is_set)


def _print_run(report: TrainingReport) -> None:
    show, run, training = terminal.results().print, report.run, report.training
    unit = training.steps_or_epochs
    if run.stopped:
        show(
            f"Stopped after {run.iterations} of {training.planned} {unit}; "
            "the best network is kept."
        )
    elif run.iterations < training.planned:  # of lbfgs
        said = "the run converged" if run.converged else f"SciPy says: {run.message.strip(' :')}"
        show(f"Ended after {run.iterations} of {training.planned} {unit}; {said}.")
    begin = report.figures["resumed_at"]
    if begin == run.iterations and not run.stopped:
        show(f"The run had ended before; --{training.unit} names how many {unit} it takes in all.")
    show(
        f"{run.iterations} {unit} in {run.seconds:.1f} s: "
        f"cost {terminal.cost_text(report.on_train.cost)}, training {headline(report.on_train)}"
    )
    figures = report.figures
    if figures["engine"] == "dask":
        threads = figures["threads"]
        show(
            f"Computed by {threads} {'threads' if threads > 1 else 'thread'} of Dask workers, all "
            f"with the instruction set {figures['instruction_set']}."
        )
    if report.on_test is not None:
        show(f"[bold]test {headline(report.on_test)}[/] on {report.on_test.samples:,} samples")
