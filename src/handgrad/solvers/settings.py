"""How a network is trained: a solver and its settings, as one value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from handgrad.arguments import check_choice, real_number, whole_number
from handgrad.engines import Adam, Sgd
from handgrad.engines.rules import check_learning_rate
from handgrad.errors import MissingPackageError, TrainingError
from handgrad.objective import Objective
from handgrad.quoting import shown
from handgrad.solvers.driver import Driver
from handgrad.solvers.gd import full_batch_steps
from handgrad.solvers.history import History
from handgrad.solvers.lbfgs import Lbfgs
from handgrad.solvers.sgd import BatchSolver
from handgrad.solvers.state import RunState

if TYPE_CHECKING:
    from handgrad.engines import Engine, Rule
    from handgrad.network import Network, Output
    from handgrad.solvers.driver import Solver

SolverName: TypeAlias = Literal["gd", "sgd", "adam", "lbfgs"]
SOLVERS: tuple[SolverName, ...] = get_args(SolverName)
MOST_ITERATIONS = 10**9  # each leaves three numbers in the history
LARGEST_SEED = 2**32 - 1  # of NumPy's RandomState
# Only these solvers take these settings. 50 epochs read handwritten digits as well as gd does.
DEFAULTS: dict[SolverName, dict[str, Any]] = {
    "gd": {"iterations": 500, "learning_rate": 0.1},
    "sgd": {
        "epochs": 50,
        "batch_size": 200,
        "learning_rate": Sgd().learning_rate,
        "momentum": Sgd().momentum,
        "nesterov": Sgd().nesterov,
    },
    "adam": {"epochs": 50, "batch_size": 200, "learning_rate": Adam().learning_rate},
    "lbfgs": {"iterations": 200, "tol": Lbfgs().tol},
}


@dataclass(frozen=True)
class Training:
    """A solver and its settings; those that are None take the defaults of the solver.

    Parameters
    ----------
    solver : {"gd", "sgd", "adam", "lbfgs"}
    iterations : int
        Steps of gd and lbfgs over all rows, from 1 to ``MOST_ITERATIONS``: 500 and 200.
    epochs : int
        Passes of sgd and adam over all rows: 50.
    batch_size : int
        Rows in a batch of sgd and adam: 200.
    learning_rate : float
        η of gd and sgd (0.1) and of adam (0.001).
    momentum, nesterov
        Those of sgd: 0 and False; see `handgrad.engines.Sgd`.
    tol : float
        Where lbfgs converges: 1e-4; see `handgrad.solvers.lbfgs`.
    alpha : float
        The penalty, see `handgrad.objective.Objective`.
    seed : int
        Shuffles the rows of each epoch of sgd and adam.

    Raises
    ------
    TrainingError
        If a setting is out of range, or the solver does not take it.

    Examples
    --------
    >>> Training("adam", epochs=3).settings  # doctest: +NORMALIZE_WHITESPACE
    {'solver': 'adam', 'epochs': 3, 'batch_size': 200, 'learning_rate': 0.001, 'alpha': 0.0,
     'seed': 0}
    >>> Training("gd", batch_size=100)
    Traceback (most recent call last):
    ...
    handgrad.errors.TrainingError: gd takes no batch_size, which belongs to sgd and adam.
    """

    solver: SolverName = "gd"
    iterations: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    momentum: float | None = None
    nesterov: bool | None = None
    tol: float | None = None
    alpha: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("solver", self.solver, SOLVERS, TrainingError)
        for name in set().union(*DEFAULTS.values()):
            self._complete(name)
        whole_number(self.unit, self.planned, 1, MOST_ITERATIONS, TrainingError)
        Objective(alpha=self.alpha)
        in_batches = self.batch_size is not None
        whole_number("seed", self.seed, 0, LARGEST_SEED if in_batches else None, TrainingError)
        if in_batches:
            whole_number("batch_size", self.batch_size, 1, None, TrainingError)
            self.rule  # noqa: B018 - it checks its numbers
        elif self.learning_rate is not None:
            check_learning_rate(self.learning_rate)
        if not isinstance(self.nesterov, bool | None):
            raise TrainingError(f"nesterov is {shown(self.nesterov)}; expected True or False.")
        if self.tol is not None and not 0 <= real_number(self.tol) < math.inf:
            raise TrainingError(f"tol is {shown(self.tol)}; expected a number of 0 or more.")

    def _complete(self, name: str) -> None:
        """Set a setting that was not given to the solver's default."""
        if getattr(self, name) is None:
            object.__setattr__(self, name, DEFAULTS[self.solver].get(name))
        elif name not in DEFAULTS[self.solver]:
            raise TrainingError(f"{self.solver} takes no {name}, which belongs to {takers(name)}.")

    @property
    def unit(self) -> str:
        """What `planned` counts: "iterations", which are steps over all rows, or "epochs"."""
        return "iterations" if self.epochs is None else "epochs"

    @property
    def steps_or_epochs(self) -> str:
        """What a user calls them: "steps" or "epochs"."""
        return "steps" if self.epochs is None else "epochs"

    @property
    def planned(self) -> int:
        """The largest number of iterations or epochs."""
        planned: int = getattr(self, self.unit)
        return planned

    @property
    def first(self) -> int:
        """The iterations behind the first figures of the history: only gd's cost precedes a step.

        gd measures before each step, and the others when an iteration has ended.
        """
        return 0 if self.solver == "gd" else 1

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that the solver takes, by their names."""
        return {name: value for name, value in vars(self).items() if value is not None}

    @property
    def rule(self) -> Rule:
        """The update rule of sgd or adam."""
        given = {
            name: getattr(self, name)
            for name in ("learning_rate", "momentum", "nesterov")
            if getattr(self, name) is not None
        }
        return Adam(**given) if self.solver == "adam" else Sgd(**given)

    def check_packages(self) -> None:
        """Raise a MissingPackageError unless the packages that the solver needs are installed."""
        if self.solver == "lbfgs" and not all(map(find_spec, ("scipy", "threadpoolctl"))):
            raise MissingPackageError(
                "lbfgs needs the packages scipy and threadpoolctl; "
                "install them with: pip install 'handgrad[sklearn]'."
            )

    def objective(self, output: Output) -> Objective:
        """Return what training minimises."""
        return Objective(output, alpha=self.alpha)

    def prepare(self, engine: Engine) -> Solver:
        """Return the solver for sessions of an engine."""
        if self.solver == "gd":
            return full_batch_steps
        if self.solver == "lbfgs":
            return Lbfgs(tol=self.tol or 0.0, limits_blas=engine.name != "reference")
        return BatchSolver(self.rule, self.batch_size or 1, seed=self.seed)

    def beginning(self, network: Network) -> RunState:
        """Return the state of a run before its first iteration."""
        return RunState(
            solver=self.solver,
            network=network,
            learning_rate=self._rate,
            history=History(*np.empty((3, 0))),
        )

    @property
    def _rate(self) -> float:
        return math.nan if self.learning_rate is None else self.learning_rate

    def driver(self, iterations: int | None = None, **options: Any) -> Driver:
        """Return the driver of a run, whose options are those of `Driver`."""
        iterations = iterations or self.planned
        return Driver(iterations, self._rate, must_be_finite=True, cuts_epochs=True, **options)


def takers(name: str) -> str:
    """Name the solvers that take a setting.

    Examples
    --------
    >>> takers("learning_rate")
    'gd, sgd and adam'
    """
    names = [solver for solver in SOLVERS if name in DEFAULTS[solver]]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
