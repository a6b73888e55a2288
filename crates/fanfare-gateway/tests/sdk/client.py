"""The official client from PyPI, doing as it is told: a JSON command per line in, a JSON event per line out."""

import asyncio
import json
import sys
import time

from centrifuge import Client, ClientEventHandler, SubscriptionEventHandler


def say(**event):
    print(json.dumps(event), flush=True)


class OnClient(ClientEventHandler):
    async def on_connecting(self, ctx):
        say(event="connecting", code=ctx.code)

    async def on_connected(self, ctx):
        say(event="connected", client=ctx.client)

    async def on_disconnected(self, ctx):
        say(event="disconnected", code=ctx.code)


class OnSubscription(SubscriptionEventHandler):
    async def on_subscribed(self, ctx):
        position = ctx.stream_position
        say(
            event="subscribed",
            recovered=ctx.recovered,
            was_recovering=ctx.was_recovering,
            offset=position.offset if position else 0,
        )

    async def on_unsubscribed(self, ctx):
        say(event="unsubscribed", code=ctx.code)

    async def on_publication(self, ctx):
        say(event="publication", offset=ctx.pub.offset)

    async def on_join(self, ctx):
        say(event="join", user=ctx.info.user)

    async def on_leave(self, ctx):
        say(event="leave", user=ctx.info.user)


async def main():
    tokens = asyncio.Queue()

    async def token():
        say(event="token")
        return await tokens.get()

    client = Client(sys.argv[1], events=OnClient(), get_token=token, max_reconnect_delay=0.5)
    loop = asyncio.get_running_loop()
    tasks = []
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        match command["do"]:
            case "connect":
                # It asks for a token before it returns, and the token comes as a command.
                tasks.append(asyncio.create_task(client.connect()))
            case "token":
                await tokens.put(command["token"])
            case "subscribe":
                subscription = client.new_subscription(command["channel"], events=OnSubscription())
                tasks.append(asyncio.create_task(subscription.subscribe()))
            case "presence":
                result = await client.presence(command["channel"])
                say(event="presence", users=sorted(info.user for info in result.clients.values()))
            case "stall":
                # Nothing is read meanwhile: there is one thread.
                time.sleep(command["seconds"])
    await client.disconnect()


asyncio.run(main())
