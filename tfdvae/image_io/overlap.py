"""Work on a stream of items in threads, in order, with few items in memory."""

import collections
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def one_ahead(items: Iterator[Item], thread: ThreadPoolExecutor) -> Iterator[Item]:
    """Yield items, while another thread makes the next one.

    Args:
        items: none of them None.
        thread: pool of one thread.
    """
    following = thread.submit(next, items, None)
    while (item := following.result()) is not None:
        following = thread.submit(next, items, None)
        yield item


def map_ahead(
    items: Iterable[Item],
    function: Callable[[Item], Result],
    pool: ThreadPoolExecutor,
    ahead: int,
) -> Iterator[Result]:
    """Yield `function` of each item, in order, computed in a pool.

    Args:
        items: are taken when there is room for them.
        function: what is computed.
        pool: of threads.
        ahead: how many later items may be in work while one is awaited.
    """
    running: collections.deque[Future[Result]] = collections.deque()
    for item in items:
        running.append(pool.submit(function, item))
        if len(running) > ahead:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()
