"""Networks from and to other libraries: scikit-learn and PyTorch.

Neither library is imported before it is needed.
"""

from handgrad.convert.sklearn import from_sklearn, to_sklearn
from handgrad.convert.torch import from_torch

__all__ = ["from_sklearn", "from_torch", "to_sklearn"]
