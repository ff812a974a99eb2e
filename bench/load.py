#!/usr/bin/env python3
"""`runnel load` and Tsung against Articles and against the same application on Django Channels, on this machine. Writes bench/results/load.md.

    bench/load.py [--out FILE] [--short] [--shared]

Needs the .NET SDK and Debian's redis-server, tsung, python3-daphne, python3-django-channels and python3-channels-redis. Takes about 12 minutes;
--short takes about 3 and shows only that everything works. --shared says in the file that other programs used the machine.
"""
import argparse
import contextlib
import json
import os
import platform
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOADTEST = os.path.join(ROOT, "samples/Articles/loadtest")
TOOL = ["dotnet", os.path.join(ROOT, "src/Runnel.Cli/bin/Release/net10.0/Runnel.Cli.dll")]
ARTICLES = os.path.join(ROOT, "samples/Articles/bin/Release/net10.0/Articles.dll")
NEEDED = {"redis-server": "redis-server", "tsung": "tsung", "dotnet": "the .NET SDK"}
THROUGH = []
BODY = '{"title":"{mark}","body":"Number {n}."}'


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def process(command, ready, **more):
    """A server that is ready before it is used, and ends with the block."""
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **more)
        try:
            for _ in range(300):
                if child.poll() is None and ready():
                    break
                if child.poll() is not None:
                    break
                time.sleep(0.1)
            else:
                child.kill()
            if child.poll() is not None:
                log.seek(0)
                sys.exit(f"{command[0]} did not start: {log.read().decode(errors='replace')[-2000:]}")
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def listens(port):
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def redis(folder):
    port = free_port()
    with process(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"], lambda: listens(port)):
        yield f"redis://127.0.0.1:{port}"


@contextlib.contextmanager
def articles(folder, redis_address):
    port = free_port()
    environment = {**os.environ, "DOTNET_ENVIRONMENT": "Development", "Logging__LogLevel__Default": "Warning"}
    command = ["dotnet", ARTICLES, "--urls", f"http://127.0.0.1:{port}", "--layer", redis_address, "--ConnectionStrings:Articles", f"Data Source={folder}/articles.db"]
    with process(command, lambda: listens(port), env=environment, cwd=folder) as child:
        yield f"127.0.0.1:{port}", child.pid


@contextlib.contextmanager
def channels(folder, redis_address):
    port = free_port()
    environment = {**os.environ, "REDIS": redis_address, "DATABASE": f"{folder}/channels.sqlite3", "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["/usr/bin/python3", "-m", "daphne", "-v", "0", "--access-log", "/dev/null", "-b", "127.0.0.1", "-p", str(port), "articles:application"]
    with process(command, lambda: listens(port), env=environment, cwd=os.path.join(LOADTEST, "channels")) as child:
        yield f"127.0.0.1:{port}", child.pid


SERVERS = {"Articles, Runnel on Redis": articles, "Articles, Django Channels (daphne, channels_redis)": channels}


@contextlib.contextmanager
def fresh(server):
    """The server, its own Redis and its own database, all of them new."""
    folder = tempfile.mkdtemp(prefix="runnel-load-")
    try:
        with redis(folder) as redis_address, server(folder, redis_address) as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def megabytes(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024


def load(authority, *arguments):
    command = [*THROUGH, *TOOL, "load", f"ws://{authority}/ws/articles", "--json", *[str(argument) for argument in arguments]]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=600)
    if not run.stdout:
        sys.exit(f"{' '.join(command)} gave no summary.")
    return json.loads(run.stdout)


def seen(summary):
    """What went wrong, in short."""
    errors = "; ".join(f"{error['count']} × {error['kind']} {error['detail']}".strip() for error in summary["errors"][:3])
    return " ".join(summary["verdict"]["reasons"]) + (f" ({errors})" if errors else "")


def hold(name, server, steps):
    """Connections held: more and more, each time on a new server, until not all are held."""
    rows = []
    for count in steps:
        with fresh(server) as (authority, pid):
            before = megabytes(pid)
            summary = load(authority, "--connections", count, "--ramp", f"{max(2, count // 500)}s", "--duration", "10s")
            good = summary["verdict"]["isGood"]
            memory = (megabytes(pid) - before) * 1024 / count
        connecting = summary["connecting"]
        rows.append([name, f"{count:,}", f"{summary['connections']['held']:,}", f"{connecting['p50']:.1f} / {connecting['p99']:.1f} ms", f"{memory:.0f} KiB", "yes" if good else seen(summary)])
        print(rows[-1], file=sys.stderr)
        if not good:
            break
    return rows


def publish(name, server, connections, rates, seconds):
    """Messages a second: more and more, each time on a new server, until something is lost."""
    rows = []
    for rate in rates:
        with fresh(server) as (authority, _):
            summary = load(
                authority, "--connections", connections, "--ramp", "2s", "--duration", f"{seconds}s", "--drain", "20s", "--publish", f"http://{authority}/api/articles",
                "--rate", rate, "--header", "X-Api-Key: dev", "--body", BODY)
        latency, verdict = summary["latency"], summary["verdict"]
        rows.append([
            name, f"{rate:,}", f"{summary['sent']['perSecond']:,.0f}", f"{summary['received']['deliveriesPerSecond']:,.0f}",
            f"{latency['p50']:.0f} / {latency['p99']:.0f} ms", f"{verdict['lost']:,}", "yes" if verdict["isGood"] else seen(summary)])
        print(rows[-1], file=sys.stderr)
        if not verdict["isGood"]:
            break
    return rows


def tsung(name, server, connections, seconds, rate):
    with fresh(server) as (authority, _):
        run = subprocess.run(
            [*THROUGH, os.path.join(LOADTEST, "run"), "--url", f"http://{authority}", "--connections", str(connections), "--ramp", "5", "--duration", str(seconds), "--rate", str(rate)],
            stdout=subprocess.PIPE, text=True, timeout=600)
    if run.returncode != 0:
        sys.exit(f"Tsung failed against {name}.")
    print(run.stdout, file=sys.stderr)
    return f"**{name}**\n\n```text\n{run.stdout.strip()}\n```\n"


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 2) + " --- |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def package(name):
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], stdout=subprocess.PIPE, text=True).stdout or "?"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", default=os.path.join(ROOT, "bench/results/load.md"))
    parser.add_argument("--short", action="store_true", help="a few connections and seconds: shows only that everything works")
    parser.add_argument("--shared", action="store_true", help="says in the file that other programs used the machine")
    parser.add_argument("--through", default="", help="a command that each load generator is started with, such as 'nice -n 5'")
    asked = parser.parse_args()
    THROUGH.extend(asked.through.split())
    missing = [what for program, what in NEEDED.items() if not shutil.which(program)]
    missing += [name for name in ("python3-daphne", "python3-django-channels", "python3-channels-redis") if package(name) == "?"]
    if missing:
        sys.exit(f"These are missing: {', '.join(missing)}.")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, text=True).stdout.strip()
    for project in ("src/Runnel.Cli", "samples/Articles"):
        subprocess.run(["dotnet", "build", os.path.join(ROOT, project), "-c", "Release", "-v", "quiet", "-clp:NoSummary"], check=True, stdout=subprocess.DEVNULL)
    steps, connections, rates, seconds = ([1000], 200, [5, 20, 80], 5) if asked.short else ([1000, 2500, 5000, 10000], 500, [5, 10, 20, 50, 100, 200, 400, 800], 10)
    held = [row for name, server in SERVERS.items() for row in hold(name, server, steps)]
    published = [row for name, server in SERVERS.items() for row in publish(name, server, connections, rates, seconds)]
    summaries = [tsung(name, server, connections, seconds if asked.short else 20, 5) for name, server in SERVERS.items()]

    runtime = subprocess.run(["dotnet", "--list-runtimes"], stdout=subprocess.PIPE, text=True).stdout
    runtime = re.findall(r"Microsoft\.NETCore\.App (\S+)", runtime)[-1]
    with open(asked.out, "w") as out:
        out.write(f"""# Load tests

`bench/load.py` at commit {commit}: {os.cpu_count()} cores, {platform.machine()}, .NET {runtime}, Redis {package('redis-server').split(':')[-1]}, daphne {package('python3-daphne')},
channels {package('python3-django-channels')}, channels_redis {package('python3-channels-redis')}, Tsung {package('tsung')}. Server, Redis and load generator share the cores; each row is one run on a new server with a new Redis and a new
SQLite file. One process of each server, as it comes: daphne uses one core, Kestrel all of them.{" Other programs used the machine at the same time, so the figures are too low for both." if asked.shared else ""}{" A short run (--short), which shows only that everything works." if asked.short else ""}

## Connections held, `runnel load`

Opened at 500 a second, then held for 10 s. {steps[-1]:,} is the most that was tried{"" if asked.short else ": a Runnel server takes that many from one address by default"}. The memory is the server process's growth, divided by the connections, with what it compiles on the way.

{table(["server", "asked for", "held", "connecting, p50 / p99", "memory each", "all held"], held)}
## Messages a second until the first loss, `runnel load`

{connections} connections, and one publisher that POSTs articles for {seconds} s, the next one when the last one is answered: both servers keep them in SQLite, where writers in parallel only wait for one another.
Every article goes to every connection. The rate grows until a run is not good. A server that answers too slowly gets fewer articles than asked for, which is a reason, too. The latency is from when the article was due until it was at a socket.

{table(["server", "articles a second asked for", "answered", "deliveries a second", "latency, p50 / p99", "lost", "each arrived once and in order"], published)}
## Tsung

`samples/Articles/loadtest/run`: {connections} readers and one writer with 5 articles a second.

""" + "\n".join(summaries))
    print(f"Written: {asked.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
