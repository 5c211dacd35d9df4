"""Solvers, which train a network on an engine's session, and the driver of their runs."""

from handgrad.solvers.adam import adam
from handgrad.solvers.checkpoints import USUAL_INTERVAL, Checkpoints, Interval
from handgrad.solvers.driver import Driver, Iteration, Result, Solver
from handgrad.solvers.gd import full_batch_steps, gd
from handgrad.solvers.history import History
from handgrad.solvers.lbfgs import Lbfgs, lbfgs
from handgrad.solvers.patience import Patience
from handgrad.solvers.settings import SOLVERS, SolverName, Training
from handgrad.solvers.sgd import SCHEDULES, BatchSolver, Schedule, sgd
from handgrad.solvers.state import BatchMemory, RunState
from handgrad.solvers.training import train

__all__ = [
    "SCHEDULES",
    "SOLVERS",
    "USUAL_INTERVAL",
    "BatchMemory",
    "BatchSolver",
    "Checkpoints",
    "Driver",
    "History",
    "Interval",
    "Iteration",
    "Lbfgs",
    "Patience",
    "Result",
    "RunState",
    "Schedule",
    "Solver",
    "SolverName",
    "Training",
    "adam",
    "full_batch_steps",
    "gd",
    "lbfgs",
    "sgd",
    "train",
]
