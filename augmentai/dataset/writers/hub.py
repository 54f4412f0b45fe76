"""Pushes a finished run to the Hugging Face Hub, as a dataset that anyone can load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from augmentai.dataset.manifest import CARD, RECIPE_FILE
from augmentai.settings import Settings
from augmentai.system.extras import missing

_README = "README.md"
_FILES_OF_A_NEW_DATASET = {".gitattributes", _README}
_NOT_SENT = [".augmentai*"]


class HubError(OSError):
    """The Hub cannot be used or refuses the dataset; the message says why and what to do, and never shows the token."""


class Hub:
    """One dataset on the Hugging Face Hub that a run is pushed to.

    Only HF_TOKEN of the settings is used, never a token that another program has saved on this machine. The network is
    not used before `check` or `push`.

    Args:
        name: USER/NAME or ORGANIZATION/NAME.
        settings: with the token.
        private: whether a new dataset is visible to its owner only.

    Raises:
        HubError: huggingface_hub is not installed, the name is not valid, or there is no token.
    """

    def __init__(self, name: str, settings: Settings, private: bool = False) -> None:
        if reason := missing("hub"):
            raise HubError(reason)
        from huggingface_hub import HfApi
        from huggingface_hub.utils import HFValidationError, validate_repo_id

        self.name, self.private = name, private
        try:
            validate_repo_id(name)
        except HFValidationError as error:
            raise HubError(f"{name!r} is not a valid dataset name ({error}); expected USER/NAME") from error
        if name.count("/") != 1:
            raise HubError(f"{name!r} is not a valid dataset name; expected USER/NAME")
        token = settings.hf_token.get_secret_value()
        if not token:
            raise HubError(
                "HF_TOKEN is not set; create a token with write permission at https://huggingface.co/settings/tokens"
            )
        self._api = HfApi(token=token, library_name="augmentai")

    def check(self) -> None:
        """Ask the Hub whether it accepts the token for writing.

        Raises:
            HubError: it does not, or cannot be reached.
        """
        with self._hub_errors():
            account = self._api.whoami()
        role = account.get("auth", {}).get("accessToken", {}).get("role")
        if role == "read":
            raise HubError("HF_TOKEN is read-only; create a token with write permission")

    def push(self, folder: Path) -> str:
        """Send a finished run, file by file, in as many commits as it takes.

        What an earlier push of the same run sent is not sent again. A README that exists stays, since its owner may
        have stated the licence in it.

        Args:
            folder: the output folder of the run.

        Returns:
            The address of the dataset.

        Raises:
            HubError: the dataset contains something else, or the Hub refuses it or cannot be reached.
        """
        from huggingface_hub import CommitOperationAdd

        recipe = folder / RECIPE_FILE
        with self._hub_errors():
            address = self._api.create_repo(self.name, repo_type="dataset", private=self.private or None, exist_ok=True)
            there = self._remote_files()
            if not self._is_same_run(recipe, there):
                raise HubError(f"{self.name} contains another dataset and nothing is overwritten; choose a new name")
            # Before anything else, so that an interrupted push is recognised by its recipe.
            first = [CommitOperationAdd(RECIPE_FILE, recipe)]
            if _README not in there and (folder / CARD).exists():
                first.append(CommitOperationAdd(_README, folder / CARD))
            if RECIPE_FILE not in there:
                self._api.create_commit(self.name, first, commit_message="Recipe and card", repo_type="dataset")
            self._api.upload_folder(
                repo_id=self.name,
                folder_path=folder,
                repo_type="dataset",
                commit_message="Variations by AugmentAI",
                ignore_patterns=list(_NOT_SENT),
            )
        return str(address)

    def _remote_files(self) -> dict[str, str | None]:
        """The files at the top of the dataset, with their git hashes."""
        return {
            entry.path: getattr(entry, "blob_id", None)
            for entry in self._api.list_repo_tree(self.name, repo_type="dataset", recursive=False)
        }

    @staticmethod
    def _is_same_run(recipe: Path, there: dict[str, str | None]) -> bool:
        """Whether the dataset contains the beginning of the run with this recipe, or is new."""
        from huggingface_hub.utils.sha import git_hash

        if RECIPE_FILE in there:
            return there[RECIPE_FILE] == git_hash(recipe.read_bytes())
        return there.keys() <= _FILES_OF_A_NEW_DATASET

    @contextmanager
    def _hub_errors(self) -> Iterator[None]:
        """Turn errors of the Hub and of the network into HubError."""
        from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

        try:
            yield
        except HubError:
            raise
        except OfflineModeIsEnabled as error:
            raise HubError("HF_HUB_OFFLINE is set, so nothing can be sent; unset it and run the same again") from error
        except HfHubHTTPError as error:
            raise HubError(self._refusal(error.response.status_code)) from error
        except ValueError as error:  # the metadata of the card
            raise HubError(f"the Hub rejects the card ({str(error).splitlines()[0]}); please report it") from error
        except (HTTPError, OSError) as error:
            raise HubError(
                f"the Hub cannot be reached ({type(error).__name__}); check the network and run the same again: "
                "finished images are kept, and sent files are not sent again"
            ) from error

    def _refusal(self, status: int) -> str:
        if status == 401:
            return "the Hub does not accept HF_TOKEN; create a new token with write permission"
        if status in {403, 404}:
            return f"HF_TOKEN has no permission to write to {self.name}; check the name and the token's permissions"
        return f"the Hub answered {status}; run the same again later: finished images are kept"
