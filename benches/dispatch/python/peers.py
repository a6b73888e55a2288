"""The in-process dispatchers that Python has, on the work of the bench `dispatch`: one event, one or eleven handlers, each
of which adds a number to a cell of its own. Nanoseconds per emit, in interleaved rounds, as the bench prints them.

`cargo xtask bench dispatch` runs this in an environment that it makes itself.
"""

import asyncio
import logging
import statistics
import time

ROUNDS = 15
SECONDS = 0.02  # of one figure


class Dispatcher:
    """The article's synchronous dispatcher: a dictionary from a name to a list of functions, called in order."""

    def __init__(self):
        self.subscribers = {}

    def subscribe(self, name, function):
        self.subscribers.setdefault(name, []).append(function)

    def publish(self, name, data=None):
        for function in self.subscribers.get(name, ()):
            function(data)


class AsyncDispatcher(Dispatcher):
    """The article's asynchronous one: all coroutines at once, with the star that its `gather` lacks."""

    async def publish(self, name, data=None):
        await asyncio.gather(*[function(data) for function in self.subscribers.get(name, ())])


def positional(_):
    cell = [0]

    def handler(n):
        cell[0] += n

    return handler


def positional_async(_):
    cell = [0]

    async def handler(n):
        cell[0] += n

    return handler


def article_sync(handlers):
    dispatcher = Dispatcher()
    for handler in map(positional, range(handlers)):
        dispatcher.subscribe("tick", handler)
    return lambda: dispatcher.publish("tick", 1)


def blinker_sync(handlers):
    from blinker import Signal

    def make():
        cell = [0]

        def handler(sender, n):
            cell[0] += n

        return handler

    signal = Signal()
    for _ in range(handlers):
        signal.connect(make(), weak=False)
    return lambda: signal.send(None, n=1)


def pyee_sync(handlers):
    from pyee.base import EventEmitter

    emitter = EventEmitter()
    for handler in map(positional, range(handlers)):
        emitter.on("tick", handler)
    return lambda: emitter.emit("tick", 1)


def pypubsub_sync(handlers):
    from pubsub.core import Publisher

    publisher = Publisher()
    kept = [positional(number) for number in range(handlers)]  # it holds listeners weakly
    for handler in kept:
        publisher.subscribe(handler, "tick")
    return lambda kept=kept: publisher.sendMessage("tick", n=1)


def article_async(handlers):
    dispatcher = AsyncDispatcher()
    for handler in map(positional_async, range(handlers)):
        dispatcher.subscribe("tick", handler)
    return lambda: dispatcher.publish("tick", 1)


def blinker_async(handlers):
    from blinker import Signal

    def make():
        cell = [0]

        async def handler(sender, n):
            cell[0] += n

        return handler

    signal = Signal()
    for _ in range(handlers):
        signal.connect(make(), weak=False)
    return lambda: signal.send_async(None, n=1)


def pyee_async(handlers):
    from pyee.asyncio import AsyncIOEventEmitter

    emitter = AsyncIOEventEmitter()
    for handler in map(positional_async, range(handlers)):
        emitter.on("tick", handler)

    async def emit():
        emitter.emit("tick", 1)
        await emitter.wait_for_complete()

    return emit


def bubus_async(handlers):
    from bubus import BaseEvent, EventBus

    class Tick(BaseEvent):
        n: int

    def make(number):
        cell = [0]

        async def handler(event):
            cell[0] += event.n

        handler.__name__ = f"handler_{number}"
        return handler

    bus = EventBus(max_history_size=16)
    for handler in map(make, range(handlers)):
        bus.on(Tick, handler)

    async def emit():
        await bus.dispatch(Tick(n=1))

    emit.stop = bus.stop  # its loop would keep the program from ending
    return emit


SYNC = [
    ("article, synchronous", article_sync, "a dictionary of lists; an exception ends the emit"),
    ("blinker", blinker_sync, "`Signal.send` with strong receivers"),
    ("pyee", pyee_sync, "`EventEmitter.emit`"),
    ("PyPubSub", pypubsub_sync, "`sendMessage`; listeners are held weakly, arguments are checked"),
]
ASYNC = [
    ("article, asyncio", article_async, "`gather` of ready coroutines, awaited"),
    ("blinker, send_async", blinker_async, "coroutines awaited one after the other"),
    ("pyee, asyncio", pyee_async, "a task per handler, awaited together"),
    ("bubus", bubus_async, "a pydantic event through a queue; handlers one after the other; awaited; keeps 16 events"),
]


def timed(emit, emits):
    start = time.perf_counter_ns()
    for _ in range(emits):
        emit()
    return (time.perf_counter_ns() - start) / emits


async def timed_async(emit, emits):
    start = time.perf_counter_ns()
    for _ in range(emits):
        await emit()
    return (time.perf_counter_ns() - start) / emits


def how_many(nanos):
    """Emits that make one figure."""
    return max(3, int(SECONDS * 1e9 / nanos))


def made(peers, handlers, missing):
    for name, make, _ in peers:
        try:
            yield name, make(handlers)
        except ImportError as error:
            missing.add(f"{name}: {error}")


def show(title, figures):
    print(f"\n{title}")
    first = None
    for name, nanos in figures.items():
        median = statistics.median(nanos)
        first = first or median
        print(f"  {name:<34} {median:>14.1f} ns/emit  ({min(nanos):.1f} .. {max(nanos):.1f})  x{median / first:.2f}")


async def main():
    logging.disable(logging.CRITICAL)
    missing = set()
    for handlers in (1, 11):
        counted = "1 handler" if handlers == 1 else f"{handlers} handlers"
        sync = [(name, emit, how_many(timed(emit, 100))) for name, emit in made(SYNC, handlers, missing)]
        ready = [(name, emit, how_many(await timed_async(emit, 10))) for name, emit in made(ASYNC, handlers, missing)]
        in_sync, in_async = {}, {}
        for _ in range(ROUNDS):
            for name, emit, emits in sync:
                in_sync.setdefault(name, []).append(timed(emit, emits))
            for name, emit, emits in ready:
                in_async.setdefault(name, []).append(await timed_async(emit, emits))
        for _, emit, _ in ready:
            if hasattr(emit, "stop"):
                await emit.stop()
        show(f"Python, {counted}, synchronous", in_sync)
        show(f"Python, {counted}, async handlers that are ready", in_async)
    print()
    for name, _, work in SYNC + ASYNC:
        print(f"  {name}: {work}")
    for peer in sorted(missing):
        print(f"  not measured, {peer}")


if __name__ == "__main__":
    asyncio.run(main())
