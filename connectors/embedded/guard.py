"""A tiny parent for one server process: when its owner is gone, in whatever way, the server ends too.

Run as a script with nothing but the standard library, so that it costs some 10 MB and 30 ms. It starts the
command behind `--`, prints the command's process id as its only line of output, and waits. When its standard
input reaches the end, because the owner closed it or died, it asks the command to stop, and kills it after
the grace. It ends with the command's own exit code (128 + signal where a signal ended it). Should the guard
itself be killed, Linux asks the command to stop.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def main() -> None:
    """Run the command of the arguments until it ends or the owner is gone."""
    arguments = parse(sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, left_to_owner)
    child = start(arguments)
    signal.signal(signal.SIGTERM, lambda *_: child.send_signal(arguments.signal))
    announce(child.pid)
    threading.Thread(target=end_with_owner, args=(child, arguments), daemon=True).start()
    code = child.wait()
    os._exit(code if code >= 0 else 128 - code)  # the thread may still stand in read()


def left_to_owner(*_: object) -> None:
    """Do nothing: the owner closes our input when it ends. Unlike SIG_IGN, a command does not inherit it."""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The options before `--` and the command behind it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", required=True, help="file that takes the command's output, appended")
    parser.add_argument(
        "--signal", type=int, default=int(signal.SIGTERM), help="what asks the command to stop"
    )
    parser.add_argument("--grace", type=float, default=10.0, help="seconds between asking and killing")
    parser.add_argument(
        "--drop-root", action="store_true", help="run the command as `nobody` when we are root"
    )
    parser.add_argument("command", nargs="+")
    return parser.parse_args(argv)


def start(arguments: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Start the command, its output going to the log."""

    def prepare() -> None:
        if arguments.drop_root and os.geteuid() == 0:
            drop_root()
        end_with_guard(arguments.signal)

    with open(arguments.log, "ab") as log:  # noqa: PTH123 - a script of few imports
        return subprocess.Popen(  # noqa: S603 - the owner's own command
            arguments.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            preexec_fn=prepare,  # noqa: PLW1509 - no thread runs yet
        )


def announce(pid: int) -> None:
    """Tell the owner the command's process id and end our output, which the owner reads to its end."""
    os.write(1, f"{pid}\n".encode())
    with open(os.devnull, "wb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 1)


def end_with_owner(child: subprocess.Popen[bytes], arguments: argparse.Namespace) -> None:
    """Wait until nobody holds the other end of our input; then end the command, even a hanging one."""
    while os.read(0, 64):
        pass
    child.send_signal(arguments.signal)
    child.send_signal(signal.SIGCONT)
    try:
        child.wait(arguments.grace)
    except subprocess.TimeoutExpired:
        child.kill()


def end_with_guard(number: int) -> None:
    """Let the kernel send this signal when our parent dies; a change of user would forget it."""
    libc = linux()
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def linux() -> ctypes.CDLL | None:
    """The C library, where it is Linux's."""
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def drop_root() -> None:
    """Become `nobody`, but keep passing through folders that only root may enter, such as root's home.

    Postgres refuses to run as root. Where the kernel does not grant the capability, the command still runs if
    its folders are open to everyone, and says itself what it could not read if they are not.
    """
    nobody = pwd.getpwnam("nobody")
    libc = linux()
    if libc is not None:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
    if libc is not None:
        mask = 1 << CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        effective_permitted_inheritable = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
        libc.capset(header, effective_permitted_inheritable)
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


if __name__ == "__main__":
    main()
