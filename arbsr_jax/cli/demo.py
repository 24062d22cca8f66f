"""`arbsr demo`: a page on this machine to try a model on one's own pictures."""

from __future__ import annotations

import argparse
import webbrowser

from arbsr_jax.cli.conventions import DONE
from arbsr_jax.demo.server import make_server
from arbsr_jax.demo.service import Service
from arbsr_jax.errors import ArbsrError
from arbsr_jax.inference.upscaler import load_model
from arbsr_jax.model_file import DEFAULT_MODEL


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a .safetensors file or the name of a shipped model")
    parser.add_argument("--port", type=int, default=7860, help="0: any that is free (default: 7860)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")


def run(flags: argparse.Namespace) -> int:
    """Serve until interrupted.

    Raises:
      ArbsrError: there is no such model, or the port is taken.
    """
    upscaler = load_model(flags.model)
    try:
        server = make_server(Service(upscaler), upscaler.model.name, flags.port)
    except (OSError, OverflowError) as error:
        raise ArbsrError(
            f"port {flags.port}: {getattr(error, 'strerror', None) or error}; give another --port"
        ) from None
    address = f"http://{server.server_address[0]}:{server.server_address[1]}/"
    print(f"{upscaler.model.name} is at {address} (Ctrl-C ends it)", flush=True)
    if not flags.no_browser:
        webbrowser.open(address)
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return DONE
