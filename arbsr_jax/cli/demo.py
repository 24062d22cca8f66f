"""`arbsr demo`: a page to try a model on one's own pictures, served here or written as static files."""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path

from arbsr_jax.cli.conventions import DONE
from arbsr_jax.demo import PAGE_MODEL, RUNTIME_VERSION
from arbsr_jax.errors import ArbsrError
from arbsr_jax.models.config import DEFAULT_RESTORING

RESPONSIVE = 2**28  # bytes: windows small enough to show progress and to be cancelled soon


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    words = f"a .safetensors file or the name of a shipped model (default: {PAGE_MODEL}; with --static: several)"
    parser.add_argument("--model", nargs="+", help=words)
    parser.add_argument("--port", type=int, default=7860, help="0: any that is free (default: 7860)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    words = "write the page there instead, as files that compute in the browser, for any host (needs the extra onnx)"
    parser.add_argument("--static", type=Path, metavar="DIR", help=words)
    words = f"with --static: the npm package onnxruntime-web {RUNTIME_VERSION}, if the npm registry cannot be reached"
    parser.add_argument("--runtime", type=Path, metavar="FILE.tgz", help=words)


def run(flags: argparse.Namespace) -> int:
    """Serve until interrupted, or write the files.

    Raises:
      ArbsrError: there is no such model, the port is taken, or the runtime cannot be had.
    """
    from arbsr_jax.demo.server import make_server
    from arbsr_jax.demo.service import Service
    from arbsr_jax.inference.loading import AutoRestoring, load_model

    if flags.static:
        return _write(flags)
    if flags.model and len(flags.model) > 1:
        raise ArbsrError(f"--model {' '.join(flags.model)}: the page computes by one model; several need --static DIR")
    restoring = None if flags.model else AutoRestoring(DEFAULT_RESTORING, memory=RESPONSIVE)
    upscaler = restoring.at(0.0) if restoring else load_model(flags.model[0], memory=RESPONSIVE)  # 0.0: `PAGE_MODEL`
    try:
        server = make_server(Service(upscaler, restoring), flags.port)
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


def _write(flags: argparse.Namespace) -> int:
    from arbsr_jax.demo.static import OFFERED, write_page
    from arbsr_jax.model_file import shipped_models

    models = flags.model or [name for name in OFFERED if name in shipped_models()]
    sizes = write_page(flags.static, models, flags.runtime)
    parts = (
        ("page", sizes.page),
        ("runtime", sizes.runtime),
        ("runtime for WebGPU", sizes.webgpu),
        ("models", sizes.models),
    )
    print(f"wrote {flags.static}: " + ", ".join(f"{name} {count / 1e6:.2f} MB" for name, count in parts))
    print(f"try it: python -m http.server --directory {flags.static} 8000, then open http://localhost:8000/")
    return DONE
