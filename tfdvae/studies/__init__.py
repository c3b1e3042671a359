"""Studies: comparisons over several seeds, each with rows, a report and figures.

Each folder in here is a study. Its module `settings` registers it, and is found by itself.
"""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    if _module.ispkg:
        importlib.import_module(f"{__name__}.{_module.name}.settings")
