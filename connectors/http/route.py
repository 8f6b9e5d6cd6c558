"""What a route is: name, path, who may call it, its handler, and what it says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from connectors.http.access import policy_of
from connectors.http.operation import Operation
from connectors.http.policies import Policy
from connectors.http.ports import EdgePorts, OpsPorts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from connectors.http.policies import Caller
    from connectors.http.traces import Trace

    Handle = Callable[[web.Request, Caller, Trace], Awaitable[web.StreamResponse]]

Ports = TypeVar("Ports", bound=EdgePorts | OpsPorts)


class Route(NamedTuple, Generic[Ports]):
    """One route. `name`: its metric label and operation id; `policy`: its decision on who may call it.

    `make` gives the handler; `operation` is what clients read of it.
    """

    name: str
    method: str
    path: str
    policy: Policy
    make: Callable[[Ports], Handle]
    operation: Operation


def edge_route(
    name: str, method: str, path: str, make: Callable[[EdgePorts], Handle], operation: Operation
) -> Route[EdgePorts]:
    """A route of the public port, with the policy of its row in the access table; KeyError without one."""
    return Route(name, method, path, policy_of(method, path), make, operation)
