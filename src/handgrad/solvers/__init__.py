"""Solvers, which train a network on an engine's session, and the driver of their runs."""

from handgrad.solvers.adam import adam
from handgrad.solvers.driver import Driver, Iteration, Result, Solver
from handgrad.solvers.gd import full_batch_steps, gd
from handgrad.solvers.history import History
from handgrad.solvers.lbfgs import Lbfgs, lbfgs
from handgrad.solvers.patience import Patience
from handgrad.solvers.settings import SOLVERS, SolverName, Training
from handgrad.solvers.sgd import SCHEDULES, BatchSolver, Schedule, sgd
from handgrad.solvers.training import train

__all__ = [
    "SCHEDULES",
    "SOLVERS",
    "BatchSolver",
    "Driver",
    "History",
    "Iteration",
    "Lbfgs",
    "Patience",
    "Result",
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
