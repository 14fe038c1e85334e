"""One module per row: a question that is measured. `find_rows` finds them all."""

import importlib
import pkgutil
from collections.abc import Collection

from benchmarks.figures import Row


def find_rows(names: Collection[str] = ()) -> list[Row]:
    """The rows of these names, or all, in the order of the table. Raises ValueError for an unknown name."""
    known = [module.name for module in pkgutil.iter_modules(__path__)]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f"no row {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    wanted = names or known
    rows: list[Row] = [importlib.import_module(f"{__name__}.{name}").ROW for name in wanted]
    return sorted(rows, key=lambda row: (row.order, row.name))
