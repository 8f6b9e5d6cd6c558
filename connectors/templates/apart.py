"""A few threads for what takes long with templates: compiling, linting, rendering for somebody who waits.

A place is free again when the work ends, not when its asker leaves. Work ends soon, for a render has a budget
(`connectors/templates/meter.py`); who leaves before it began takes it out of the queue.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")
AT_ONCE: Final = 2
_THREADS: Final = ThreadPoolExecutor(AT_ONCE, "templates")  # begins a thread with the first work


async def apart(act: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """Do it in one of the threads."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, partial(act, *given, **named))
