"""Models on the Hugging Face Hub: `hf://user/repository`, or with `@revision`, wherever a model is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from arbsr_jax.errors import ArbsrError, missing_extra, reason

PREFIX = "hf://"
MODEL_FILE = "model.safetensors"  # of every repository


def download(name: str) -> Path:
    """The model file of a repository, from the Hub or from its cache on this machine.

    Raises:
      ArbsrError: there is no such repository or file, the Hub cannot be reached, or the extra `hub` is not installed.
    """
    repository, _, revision = name.removeprefix(PREFIX).partition("@")
    with in_words(name):
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(repository, MODEL_FILE, revision=revision or None))


@contextmanager
def in_words(name: str) -> Iterator[None]:
    """What huggingface_hub raises, as one line about the model of that name.

    Raises:
      ArbsrError: instead of the Hub's errors, and if huggingface_hub is not installed.
    """
    errors: Any  # its HTTPError is that of another package, which one depends on the version
    try:
        from huggingface_hub import errors
    except ImportError:
        raise ArbsrError(f"{name}: {missing_extra('huggingface_hub', 'hub')}") from None
    try:
        yield
    except (errors.HFValidationError, errors.HfUriError):
        raise ArbsrError(f"{name}: not the name of a repository; give {PREFIX}USER/REPOSITORY") from None
    except errors.RepositoryNotFoundError:
        words = "no such repository, or you may not see it; check the name, or log in by `hf auth login`"
        raise ArbsrError(f"{name}: {words}") from None
    except errors.RevisionNotFoundError:
        raise ArbsrError(f"{name}: the repository has no such revision; leave out what follows @") from None
    except errors.LocalTokenNotFoundError:
        raise ArbsrError(f"{name}: the Hub wants to know who you are; log in by `hf auth login`") from None
    except (errors.LocalEntryNotFoundError, errors.RevisionResolutionError, ConnectionError):
        words = "the Hub cannot be reached, and no copy is on this machine; go online, or give a model file"
        raise ArbsrError(f"{name}: {words}") from None
    except errors.EntryNotFoundError:
        raise ArbsrError(f"{name}: the repository has no {MODEL_FILE}; it holds no model of this package") from None
    except errors.HfHubHTTPError as error:
        raise ArbsrError(f"{name}: the Hub refuses ({reason(error)}); log in by `hf auth login`") from None
    except errors.HTTPError as error:  # before there was an answer
        raise ArbsrError(f"{name}: the Hub cannot be reached ({reason(error)}); go online, or try again") from None
