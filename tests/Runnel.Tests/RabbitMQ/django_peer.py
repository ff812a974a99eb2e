"""A process of channels_rabbitmq, as far as the wire goes: pika and msgpack, and nothing of Runnel.

It declares what channels_rabbitmq declares, joins the groups of its command line, prints each message that comes as a line of JSON, and sends each line of JSON that it
is given: {"group": ..., "message": {...}} or {"channel": ..., "message": {...}}. {"consume": true} has one that stands still begin. Bytes are {"$bytes": "hex"}. It ends with its input.
"""

import functools
import json
import sys
import threading

import msgpack
import pika


def to_json(value):
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    raise TypeError(f"{value!r} has no JSON")


def from_json(value):
    return bytes.fromhex(value["$bytes"]) if set(value) == {"$bytes"} else value


def say(value):
    print(json.dumps(value, default=to_json), flush=True)


def send(channel, consume, line):
    command = json.loads(line, object_hook=from_json)
    if "consume" in command:
        consume()
        return
    message = dict(command["message"])
    if "group" in command:
        message["__asgi_group__"] = command["group"]
        channel.basic_publish("groups", command["group"], msgpack.packb(message))
    elif "channel" in command:
        message["__asgi_channel__"] = command["channel"]
        channel.basic_publish("", command["channel"].partition("!")[0], msgpack.packb(message))
    else:
        channel.basic_publish("groups", command["raw"], bytes(message["bytes"]))


def main(url, queue, capacity, consumes, *groups):
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.exchange_declare("groups", "direct")
    arguments = {"x-max-length": int(capacity), "x-message-ttl": 60000, "x-overflow": "reject-publish"}
    channel.queue_declare(queue, exclusive=True, arguments=arguments)
    for group in groups:
        channel.queue_bind(queue, "groups", group)

    def on_message(channel, method, properties, body):
        say({"message": msgpack.unpackb(body), "properties": {name: value for name, value in vars(properties).items() if value is not None}})
        channel.basic_ack(method.delivery_tag)

    consume = functools.partial(channel.basic_consume, queue, on_message)
    if consumes == "consumes":
        consume()
    say({"ready": queue})

    def read():
        for line in sys.stdin:
            connection.add_callback_threadsafe(functools.partial(send, channel, consume, line))
        connection.add_callback_threadsafe(connection.close)

    threading.Thread(target=read, daemon=True).start()
    while connection.is_open:
        connection.process_data_events(time_limit=60)


main(*sys.argv[1:])
